/** What the driver wrote down, and what must be true of it: see `driver.ts` for the lines. */

import { readAll } from "./read_all.ts";
import { recordsOf } from "./driver.ts";

export interface Loss {
  readonly unanswered: number;
  readonly duplicates: number;
}

export interface History {
  /** `producer sequence` → where its records went, as every acknowledgement of it said. */
  readonly acknowledged: ReadonlyMap<string, readonly [partition: number, offset: number][]>;
  readonly losses: readonly Loss[];
  readonly records: number;
  readonly duplicates: number;
  readonly commits: number;
  /** Assignments that began below what had been committed, and acknowledgements that differ. */
  readonly commitsGoneBack: number;
  readonly contradictions: number;
}

export async function readHistory(path: string): Promise<History> {
  const text = await Deno.readTextFile(path).catch(() => "");
  const acknowledged = new Map<string, [number, number][]>();
  const losses: Loss[] = [];
  const committed = new Map<number, number>();
  let [records, duplicates, commits, commitsGoneBack, contradictions] = [0, 0, 0, 0, 0];
  // The last line may be cut short where the driver was killed.
  for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
    const [kind, a = "", b = "", c = "", d = ""] = line.split(" ");
    if (kind === "A") {
      const offsets = JSON.parse(d);
      const known = acknowledged.get(`${a} ${b}`);
      if (known && JSON.stringify(known) !== d) contradictions++;
      acknowledged.set(`${a} ${b}`, offsets);
      if (!known) records += offsets.length;
      duplicates += Number(c);
    } else if (kind === "C") {
      committed.set(Number(a), Math.max(committed.get(Number(a)) ?? 0, Number(b)));
      commits++;
    } else if (kind === "S") {
      if (Number(b) < (committed.get(Number(a)) ?? 0)) commitsGoneBack++;
    } else if (kind === "L") {
      losses.push({ unanswered: Number(a), duplicates: Number(b) });
    }
  }
  return {
    acknowledged,
    losses,
    records,
    duplicates,
    commits,
    commitsGoneBack,
    contradictions,
  };
}

/** Reads the whole log and holds it against the history. */
export async function verify(url: string, topic: string, partitions: number, history: History) {
  const places = new Map<string, string>();
  let duplicated = history.contradictions;
  let lost = 0;
  for (let partition = 0; partition < partitions; partition++) {
    for await (const { offset, value } of readAll(url, topic, partition)) {
      const { producer, sequence, i } = value as { producer: number; sequence: number; i: number };
      const expected = recordsOf(producer, sequence)[i]?.value;
      if (JSON.stringify(value) !== JSON.stringify(expected)) lost++;
      const name = `${producer} ${sequence} ${i}`;
      if (places.has(name)) duplicated++;
      places.set(name, `${partition}/${offset}`);
    }
  }
  for (const [publish, offsets] of history.acknowledged) {
    for (const [i, [partition, offset]] of offsets.entries()) {
      if (places.get(`${publish} ${i}`) !== `${partition}/${offset}`) lost++;
    }
  }
  return { lost, duplicated, commitsGoneBack: history.commitsGoneBack };
}
