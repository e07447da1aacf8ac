/**
 * What is said on one socket, or in a few requests over HTTP, by its number: the seed of a run and the
 * number decide it, and nothing that happens. So any conversation can be had again by itself.
 */

import { Chance } from "../support/chance.ts";
import { encodeFrame, OPCODE } from "../support/raw_socket.ts";
import { anyFrame, anyJson, type Fields, helloFrame } from "./grammar.ts";
import { mutateBytes, mutateText, mutateTree, randomBytes } from "./mutations.ts";
import { anyRequest, type RawRequest } from "./requests.ts";

export type Input =
  /** A text message, in which the words of `GIVEN` are replaced. */
  | { readonly as: "text"; readonly text: string }
  | { readonly as: "message"; readonly bytes: Uint8Array; readonly binary: boolean }
  /** What stands on the wire, be it frames or not. */
  | { readonly as: "raw"; readonly bytes: Uint8Array }
  /** All that was asked is answered first. */
  | { readonly as: "wait" };

/**
 * `stray`: valid frames in no sensible order. `mutant`: frames that were valid. `noise`: no frames.
 * `wire`: no WebSocket frames. `rude`: nobody says hello. `flood`: a lot at once. `http`: requests.
 */
export type Kind = "stray" | "mutant" | "noise" | "wire" | "rude" | "flood" | "http";

const KINDS: readonly Kind[] = [
  ...["stray", "stray", "stray", "mutant", "mutant", "mutant", "mutant"] as const,
  ...["noise", "wire", "wire", "rude", "flood", "http", "http", "http"] as const,
];

export interface Conversation {
  readonly number: number;
  readonly kind: Kind;
  readonly inputs: readonly Input[];
  readonly requests: readonly RawRequest[];
  /** The connection is dropped at the end, and not closed. */
  readonly drops: boolean;
}

const PER_SEED = 1_000_003;
const SMALL = 2_000;

export function conversation(seed: number, number: number): Conversation {
  const chance = new Chance(seed * PER_SEED + number);
  const kind = chance.pick(KINDS);
  const drops = chance.chance(0.3);
  const inputs = kind === "http" ? [] : INPUTS[kind](chance);
  const requests = kind === "http" ? times(chance, 5, 20, () => anyRequest(chance)) : [];
  return { number, kind, inputs, requests, drops };
}

const utf8 = new TextEncoder();

function times<T>(chance: Chance, min: number, max: number, make: (index: number) => T): T[] {
  return Array.from({ length: Math.floor(chance.between(min, max + 1)) }, (_, i) => make(i));
}

function text(value: unknown): Input {
  return { as: "text", text: JSON.stringify(value) };
}

/** Frames with rising ids, from 2 on: 1 is that of hello. */
function framesFor(chance: Chance): () => Fields {
  let id = 1;
  return () => anyFrame(chance, ++id);
}

const INPUTS: { readonly [K in Exclude<Kind, "http">]: (chance: Chance) => Input[] } = {
  stray(chance) {
    const frame = framesFor(chance);
    return times(chance, 5, 30, () => {
      const frames = times(chance, 1, 6, frame);
      const message = text(frames.length === 1 ? frames[0] : frames);
      // Credit and releases count from when they are taken: there must be no doubt when that is.
      const waits = frames.some(({ type }) => type === "credit" || type === "release");
      return waits || chance.chance(0.4) ? [{ as: "wait" } as const, message] : [message];
    }).flat();
  },
  mutant(chance) {
    const frame = framesFor(chance);
    return times(chance, 5, 60, () => mutant(chance, frame));
  },
  noise(chance) {
    return times(chance, 5, 40, () => noise(chance));
  },
  wire(chance) {
    const frame = framesFor(chance);
    return times(chance, 1, 12, () => wire(chance, frame()));
  },
  rude(chance) {
    const frame = framesFor(chance);
    const first = chance.pick([
      () => noise(chance),
      () => mutant(chance, frame),
      () => text(frame()),
      () => text(mutateTree(chance, helloFrame(chance, 1))),
      () => text(helloFrame(chance, 1)),
    ]);
    return [first(), ...times(chance, 0, 10, () => mutant(chance, frame))];
  },
  flood(chance) {
    const frame = framesFor(chance);
    const bad = chance.chance(0.5);
    return times(chance, 5, 25, () => {
      const message = text(Array.from({ length: 64 }, frame));
      if (!bad) return [message];
      const wrong = times(chance, 1, 40, () => mutateTree(chance, frame()));
      // Many, not large: that closes the socket at once.
      return [message, text(wrong.filter((one) => JSON.stringify(one).length < SMALL))];
    }).flat();
  },
};

/** A message of frames to which something was done, once or several times. */
function mutant(chance: Chance, frame: () => Fields): Input {
  const frames = times(chance, 1, chance.chance(0.3) ? 5 : 1, frame);
  let tree: object = frames.length === 1 ? frames[0]! : frames;
  const steps = 1 + Math.floor(chance.between(0, 3));
  for (let i = 0; i < steps; i++) if (chance.chance(0.7)) tree = mutateTree(chance, tree);
  const whole = JSON.stringify(tree);
  if (chance.chance(0.1)) {
    return { as: "message", bytes: mutateBytes(chance, utf8.encode(whole)), binary: false };
  }
  return { as: "text", text: chance.chance(0.25) ? mutateText(chance, whole) : whole };
}

function noise(chance: Chance): Input {
  const length = chance.pick([0, 1, 10, 1_000, 20_000]);
  return chance.pick([
    () => text(anyJson(chance)),
    () => text(anyJson(chance)),
    () => text({ type: chance.pick(["publish", "x", "__proto__"]), id: 2, x: anyJson(chance) }),
    () => ({ as: "text", text: mutateText(chance, JSON.stringify(anyJson(chance))) } as const),
    () => ({ as: "text", text: printable(randomBytes(chance, length)) } as const),
    () => chance.chance(0.2) ? bytes(randomBytes(chance, length)) : text(null),
    () => chance.chance(0.2) ? bytes(randomBytes(chance, length), true) : text([]),
    () => chance.chance(0.2) ? text("x".repeat(1_048_576)) : text("x".repeat(1_048_574)),
    () => manyMembers(chance.pick([150_000, 150_001])),
  ])();
}

/** A frame of no known type, with so many members. */
function manyMembers(count: number): Input {
  return { as: "text", text: `{"type":"x","id":3${',"a":1'.repeat(count - 2)}}` };
}

function bytes(bytes: Uint8Array, binary = false): Input {
  return { as: "message", bytes, binary };
}

function printable(bytes: Uint8Array): string {
  return [...bytes].map((byte) => String.fromCharCode(32 + byte % 95)).join("");
}

/** A WebSocket frame with something wrong about it, or right by chance. */
function wire(chance: Chance, frame: Fields): Input {
  const payload = utf8.encode(JSON.stringify(frame));
  const shaped = encodeFrame({
    opcode: chance.chance(0.5) ? OPCODE.text : Math.floor(chance.between(0, 16)),
    payload: chance.chance(0.2) ? randomBytes(chance, payload.length % 140) : payload,
    final: chance.chance(0.7),
    reserved: chance.chance(0.8) ? 0 : Math.floor(chance.between(0, 8)),
    masked: chance.chance(0.9),
  });
  const raw = chance.chance(0.4) ? mutateBytes(chance, shaped) : shaped;
  return { as: "raw", bytes: chance.chance(0.05) ? randomBytes(chance, 300) : raw };
}
