/**
 * The run: one gateway as a process, many conversations at once, and whatever must hold of the process
 * while they go on and when they have ended. It goes in rounds of a minute; between two of them nobody
 * but the healthy client is there, and what the process takes then is compared.
 */

import { eventually } from "../support/eventually.ts";
import { Gateway } from "../support/gateway.ts";
import { type Conversation, conversation } from "./conversations.ts";
import { GROUPS, PARTITIONS, TOPICS } from "./grammar.ts";
import { Healthy } from "./healthy.ts";
import { request } from "./http.ts";
import { converse, type Held } from "./socket.ts";
import { Trail } from "./trail.ts";

const ROUND_MS = 60_000;
const AT_ONCE = 64;
/** Whoever waits for an answer hears of the gateway now and then. */
const HEARTBEAT_MS = 5_000;
/** What is there of topics and groups may grow by so many between two looks. */
const MOST_NAMES = 100;
/** Sockets that were dropped are noticed late. */
const REST_MS = 60_000;
const MiB = 1024 * 1024;
/** Resident memory after the last round to that after the first: a trend, not noise. */
const GROWTH = { times: 1.5, bytes: 100 * MiB };
const MOST_FAULTS = 20;
const FAULTY_COUNTERS = ["uncaught_errors_total", "sessions_failed_total"];

export interface FuzzOptions {
  readonly seed: number;
  /** So long, or so many conversations from `first` on. */
  readonly for: { readonly ms: number } | { readonly conversations: number };
  readonly first?: number;
  /** `:memory:`, or a file. */
  readonly store: string;
  readonly print: (line: string) => void;
}

export interface Outcome {
  readonly faults: readonly string[];
  readonly conversations: number;
  /** Replies, answers and close codes, by what they were. */
  readonly counts: ReadonlyMap<string, number>;
  /** Resident bytes after each round. */
  readonly resident: readonly number[];
  /** What the healthy client's records took, in milliseconds. */
  readonly took: readonly number[];
  /** How many of its publishes had to be tried again. */
  readonly refused: number;
  /** The longest that the fuzzer itself kept its healthy client waiting. */
  readonly lateMs: number;
}

export async function fuzz(options: FuzzOptions): Promise<Outcome> {
  const run = new Run(options);
  return await run.all();
}

class Run {
  readonly #options: FuzzOptions;
  readonly #faults: string[] = [];
  readonly #counts = new Map<string, number>();
  readonly #resident: number[] = [];
  /** The conversations that are going on. */
  readonly #open = new Map<Conversation, Trail>();
  #next: number;
  #held = 0;
  #stopping = false;

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#next = options.first ?? 0;
  }

  async all(): Promise<Outcome> {
    const environment = {
      WEIR_STORE: this.#options.store,
      WEIR_AUTO_PARTITIONS: String(PARTITIONS),
      WEIR_HEARTBEAT_MS: String(HEARTBEAT_MS),
    };
    await using gateway = await Gateway.start(environment, (line) => this.#diagnosed(line));
    const watching = this.#watch(gateway);
    const healthy = await Healthy.start(gateway);
    const begun = performance.now();
    do {
      await this.#round(gateway, begun);
      await this.#rest(gateway);
    } while (!this.#isOver(begun));
    await healthy.stop();
    if (healthy.fault !== undefined) this.#fault(healthy.fault);
    this.#compareMemory();
    this.#stopping = true;
    const { code } = await gateway.stop("SIGTERM");
    if (code !== 0) this.#fault(`the gateway ended with ${code} after SIGTERM`);
    await watching;
    return {
      faults: this.#faults,
      conversations: this.#held,
      counts: this.#counts,
      resident: this.#resident,
      took: healthy.took,
      refused: healthy.refused,
      lateMs: healthy.lateMs,
    };
  }

  #isOver(begun: number): boolean {
    if (this.#stopping || this.#faults.length >= MOST_FAULTS) return true;
    const { first = 0, for: bound } = this.#options;
    return "ms" in bound
      ? performance.now() - begun >= bound.ms
      : this.#next >= first + bound.conversations;
  }

  async #round(gateway: Gateway, begun: number): Promise<void> {
    const end = performance.now() + ROUND_MS;
    const hold = async () => {
      while (performance.now() < end && !this.#isOver(begun)) await this.#one(gateway);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, hold));
  }

  async #one(gateway: Gateway): Promise<void> {
    const held = conversation(this.#options.seed, this.#next++);
    const trail = new Trail();
    this.#open.set(held, trail);
    let result: Held;
    try {
      const hold = held.kind === "http" ? request : converse;
      result = await hold(gateway, held, trail);
    } catch (error) {
      result = { faults: [String(error)], outcomes: new Map(), code: undefined };
    }
    this.#open.delete(held);
    this.#held++;
    for (const [outcome, count] of result.outcomes) this.#count(outcome, count);
    if (result.code !== undefined) this.#count(`closed ${result.code}`, 1);
    if (result.faults.length > 0) this.#fault(this.#shown(result.faults[0]!, held, trail));
  }

  /** Once in a round: nobody is there, nothing has failed, and what there is does not pile up. */
  async #rest(gateway: Gateway): Promise<void> {
    if (this.#stopping) return;
    try {
      await eventually(
        "only the healthy session is left",
        async () => (await metrics(gateway)).get("sessions") === 1,
        REST_MS,
      );
      await tidy(gateway);
      const now = await metrics(gateway);
      for (const counter of FAULTY_COUNTERS) {
        if (now.get(counter)) this.#fault(`${counter} is ${now.get(counter)}`);
      }
      const resident = now.get("resident_bytes") ?? NaN;
      this.#resident.push(resident);
      this.#options.print(
        `${this.#next} conversations, ${this.#faults.length} faults, ` +
          `${Math.round(resident / MiB)} MiB resident`,
      );
    } catch (error) {
      this.#fault(`after a round: ${error}`);
    }
  }

  #compareMemory(): void {
    const first = this.#resident[0] ?? NaN;
    const last = this.#resident.at(-1) ?? NaN;
    if (last <= GROWTH.times * first + GROWTH.bytes) return;
    this.#fault(`resident memory grew from ${first} to ${last} bytes`);
  }

  #fault(what: string): void {
    this.#faults.push(what);
    this.#options.print(`  ${what}`);
  }

  #count(outcome: string, by: number): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + by);
  }

  #diagnosed(line: string): void {
    if (/"level":"(info|warn)"/.test(line)) return this.#count("diagnostics below error", 1);
    this.#fault(`the gateway says ${line}\n${this.#lately()}`);
  }

  async #watch(gateway: Gateway): Promise<void> {
    const { code, signal } = await gateway.ended();
    if (this.#stopping) return;
    this.#stopping = true;
    this.#fault(`the gateway ended with ${signal ?? code}\n${this.#lately()}`);
  }

  /** What was said last in each conversation that is open: one of these did it. */
  #lately(): string {
    return [...this.#open].map(([{ number, kind }, { last }]) =>
      `    --seed ${this.#options.seed} --only ${number} (${kind}): ${JSON.stringify(last.at(-1))}`
    ).join("\n");
  }

  #shown(what: string, { number, kind }: Conversation, { last }: Trail): string {
    const again = `deno task fuzz --seed ${this.#options.seed} --only ${number}`;
    return `${what}\n    ${again}  (${kind}); its last inputs:\n${
      last.map((input) => `      ${JSON.stringify(input)}`).join("\n")
    }`;
  }
}

/** Name → value, of what has no labels. */
async function metrics(gateway: Gateway): Promise<Map<string, number>> {
  const response = await fetch(`${gateway.origin}/metrics`);
  const lines = (await response.text()).matchAll(/^weir_(\w+) (\S+)$/gm);
  return new Map([...lines].map(([, name, value]) => [name!, Number(value)]));
}

/** Mutated names make topics and groups of their own: those are removed when there are many. */
async function tidy({ origin }: Gateway): Promise<void> {
  for (const [kind, own] of [["topics", [...TOPICS, "healthy"]], ["groups", GROUPS]] as const) {
    const response = await fetch(`${origin}/v1/${kind}`);
    const all = (await response.json())[kind] as readonly Readonly<Record<string, string>>[];
    const names = all.map((one) => one[kind.slice(0, -1)]!).filter((name) => !own.includes(name));
    for (const name of names.slice(0, Math.max(0, names.length - MOST_NAMES))) {
      const removed = await fetch(`${origin}/v1/${kind}/${encodeURIComponent(name)}`, {
        method: "DELETE",
      });
      await removed.body?.cancel();
    }
  }
}
