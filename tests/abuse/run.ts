/**
 * The run of one abuser against a gateway of its own: rounds with a window without it and one with
 * it, after each of which it goes, and some time later the gateway's memory is looked at. While it
 * waits for that, other rows have the machine.
 */

import { pause } from "../../src/demo/pause.ts";
import { Abuse } from "./abuse_child.ts";
import type { Abuser, Got, Size } from "./abuser.ts";
import { type AbuserName, ABUSERS } from "./abusers.ts";
import { type Access, settings } from "./access.ts";
import type { Bound } from "./bounds.ts";
import { memoryRises, type Round, type Window } from "./figures.ts";
import { InspectedGateway } from "./inspected_gateway.ts";
import type { Machine } from "./machine.ts";
import { Others, type Totals } from "./others.ts";

/** Records that each pair has under way while it is found out how much goes through. */
const UNDER_WAY = 16;

export interface Pace {
  /** Rounds before the first that counts: memory rises while code and caches warm up. */
  readonly warmUps: number;
  /** Twice as many if memory rises in them: what leaks goes on to, what settles does not. */
  readonly rounds: number;
  readonly pairs: number;
  readonly capacityMs: number;
  readonly windowMs: number;
  /** How long the abuse is in force before its window. */
  readonly settleMs: number;
  /** From its end until memory is looked at, at least: others may have the machine. */
  readonly restMs: number;
  readonly size: Size;
}

export interface Row {
  readonly name: AbuserName;
  readonly does: string;
  readonly lanes: number;
  readonly bound: Bound;
  /** Records a second, in all windows: half of what goes through at most. */
  readonly perSecond: number;
  readonly rounds: readonly Round[];
  /** In all rounds together. */
  readonly got: Got;
  readonly others: Totals;
}

export interface RowOptions {
  readonly name: AbuserName;
  readonly access: Access;
  readonly pace: Pace;
  readonly machine: Machine;
}

export async function run(options: RowOptions): Promise<Row> {
  const { access, machine, pace: { pairs } } = options;
  const gateway = await machine.alone(() =>
    InspectedGateway.start({ ...settings(access), WEIR_AUTO_PARTITIONS: String(pairs) })
  );
  try {
    const others = await Others.connect({ port: gateway.port, pairs, access });
    try {
      return await new Run({ ...options, gateway, others }).run();
    } finally {
      others.close();
    }
  } finally {
    await gateway.stop();
  }
}

interface RunParts extends RowOptions {
  readonly gateway: InspectedGateway;
  readonly others: Others;
}

class Run {
  readonly #name: AbuserName;
  readonly #access: Access;
  readonly #pace: Pace;
  readonly #machine: Machine;
  readonly #gateway: InspectedGateway;
  readonly #others: Others;
  readonly #got: Got = {};

  constructor({ name, access, pace, machine, gateway, others }: RunParts) {
    this.#name = name;
    this.#access = access;
    this.#pace = pace;
    this.#machine = machine;
    this.#gateway = gateway;
    this.#others = others;
  }

  async run(): Promise<Row> {
    const capacity = await this.#machine.alone(() =>
      this.#others.capacity(this.#pace.capacityMs, UNDER_WAY)
    );
    const perSecond = capacity / 2;
    const { warmUps, rounds: count } = this.#pace;
    await this.#rounds(perSecond, warmUps);
    const rounds = await this.#rounds(perSecond, count);
    if (memoryRises(rounds)) rounds.push(...await this.#rounds(perSecond, count));
    const { does, lanes, bound }: Abuser = ABUSERS[this.#name];
    return {
      name: this.#name,
      does,
      lanes: lanes[this.#pace.size],
      bound,
      perSecond,
      rounds,
      got: this.#got,
      others: this.#others.totals,
    };
  }

  async #rounds(perSecond: number, count: number): Promise<Round[]> {
    const rounds: Round[] = [];
    while (rounds.length < count) {
      rounds.push(await this.#round(perSecond, rounds.length % 2 === 0));
    }
    return rounds;
  }

  /** Which window is the first alternates: neither is always the one in a warmer gateway. */
  async #round(perSecond: number, abusedLast: boolean): Promise<Round> {
    const calm = () => this.#others.window(this.#pace.windowMs, perSecond);
    const { before, abused } = await this.#machine.alone(async () => ({
      before: abusedLast ? await calm() : undefined,
      abused: await this.#abused(perSecond),
    }));
    await pause(this.#pace.restMs);
    return await this.#machine.alone(async () => {
      const after = await this.#gateway.memory();
      return { without: before ?? await calm(), ...abused, after };
    });
  }

  async #abused(perSecond: number): Promise<{ readonly with: Window; readonly cost: number }> {
    const { windowMs, settleMs } = this.#pace;
    const before = this.#gateway.rss;
    const most = this.#gateway.watchRss();
    let abuse: Abuse | undefined;
    try {
      abuse = await Abuse.begin({
        name: this.#name,
        port: this.#gateway.port,
        size: this.#pace.size,
        access: this.#access,
      });
      await pause(settleMs);
      const window = await this.#others.window(windowMs, perSecond);
      for (const [what, times] of Object.entries(await abuse.end())) {
        this.#got[what] = (this.#got[what] ?? 0) + times;
      }
      return { with: window, cost: most() - before };
    } finally {
      most();
      await abuse?.kill();
    }
  }
}
