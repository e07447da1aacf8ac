/**
 * The check of a `publish`, written by hand: nearly every frame is one, and the equivalent schema
 * in `frames.ts` (a property test compares the two) costs several times as much.
 */

import { PRODUCER } from "../limits.ts";
import type { ProducerStamp } from "../types.ts";
import {
  invalid,
  isLabel,
  isName,
  isObject,
  isWhole,
  MUST_BE_LABEL,
  MUST_BE_NAME,
  MUST_BE_WHOLE,
} from "./fields.ts";

export interface Publish {
  readonly topic: string;
  /** Not checked yet: see `records.ts`. */
  readonly records: readonly unknown[];
  readonly producer: ProducerStamp | undefined;
}

/** Throws `invalid_frame` with the first field that is wrong. */
export function readPublish({ topic, records, producer }: Record<string, unknown>): Publish {
  if (!isName(topic)) throw invalid(`topic ${MUST_BE_NAME}`);
  if (!Array.isArray(records)) throw invalid("records must be an array of records");
  return { topic, records, producer: producer === undefined ? undefined : readStamp(producer) };
}

/** The well-formed producer stamps of a `publish` or `transact` that was refused. */
export function stampsIn(given: unknown): ProducerStamp[] {
  if (!isObject(given)) return [];
  const { type, publish } = given;
  if (type === "publish") return stampIn(given);
  if (type !== "transact" || !Array.isArray(publish)) return [];
  const stamps = publish.slice(0, PRODUCER.window).flatMap(stampIn);
  const torn = inTwoEpochs(stamps);
  return stamps.filter(({ id }) => !torn.has(id));
}

/** The producers that occur in more than one epoch: which one is meant is not known. */
export function inTwoEpochs(stamps: Iterable<ProducerStamp>): Set<string> {
  const epochs = new Map<string, number>();
  const found = new Set<string>();
  for (const { id, epoch } of stamps) {
    if ((epochs.get(id) ?? epoch) !== epoch) found.add(id);
    epochs.set(id, epoch);
  }
  return found;
}

/** Empty for a malformed stamp: an error for each would cost too much. */
function stampIn(given: unknown): ProducerStamp[] {
  const producer = isObject(given) ? given["producer"] : undefined;
  if (!isObject(producer)) return [];
  const { id, epoch, sequence } = producer;
  return isLabel(id) && isWhole(epoch) && isWhole(sequence) ? [{ id, epoch, sequence }] : [];
}

function readStamp(given: unknown): ProducerStamp {
  if (typeof given !== "object" || given === null) throw invalid("producer must be an object");
  const { id, epoch, sequence } = given as Record<string, unknown>;
  if (!isLabel(id)) throw invalid(`producer.id ${MUST_BE_LABEL}`);
  if (!isWhole(epoch)) throw invalid(`producer.epoch ${MUST_BE_WHOLE}`);
  if (!isWhole(sequence)) throw invalid(`producer.sequence ${MUST_BE_WHOLE}`);
  return { id, epoch, sequence };
}
