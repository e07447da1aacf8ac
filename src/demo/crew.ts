/** The members of one group, of which any can be killed, and others started. */

import type { GatewayApi } from "./gateway_api.ts";
import { Member, type Work } from "./member.ts";
import { untilNothing } from "./repeatedly.ts";

/** How long a dead member is still shown, in milliseconds. */
const REMEMBERED_MS = 8_000;

interface Dead {
  readonly member: Member;
  readonly atMs: number;
}

export class Crew {
  readonly work: Work;
  readonly #urls: readonly string[];
  readonly #tell: (what: string) => void;
  #members: Member[] = [];
  #dead: Dead[] = [];
  #failure: unknown;
  killed = 0;
  started = 0;

  /**
   * Each member connects to one of the gateways. `tell` is called with what happens, in a few
   * words.
   */
  constructor(urls: readonly string[], work: Work, tell: (what: string) => void = () => {}) {
    this.#urls = urls;
    this.work = work;
    this.#tell = tell;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** Those that died recently. */
  get lateMembers(): readonly Member[] {
    const now = performance.now();
    this.#dead = this.#dead.filter(({ atMs }) => now - atMs < REMEMBERED_MS);
    return this.#dead.map(({ member }) => member);
  }

  start(count = 1): void {
    for (let i = 0; i < count; i++) {
      const name = `${this.work.group}-${++this.started}`;
      const url = this.#urls[this.started % this.#urls.length] ?? "";
      this.#members.push(
        new Member(url, name, this.work, {
          assigned: (partitions) => {
            const numbers = partitions.map(({ partition }) => partition).sort((a, b) => a - b);
            this.#tell(`${name} goes on with ${numbers.join(" ")}`);
          },
          failed: (error) => this.#failure ??= error,
        }),
      );
    }
  }

  /** Kills the member of this name, or the oldest one. */
  kill(name = this.#members[0]?.name): Member | undefined {
    const at = this.#members.findIndex((member) => member.name === name);
    const [member] = at < 0 ? [] : this.#members.splice(at, 1);
    if (!member) return undefined;
    member.kill();
    this.#dead.push({ member, atMs: performance.now() });
    this.killed++;
    this.#tell(`${member.name} was killed`);
    return member;
  }

  /** Throws the error that stopped a member, if any. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  stop(): void {
    for (const member of this.#members) member.kill();
    this.#members = [];
  }
}

/** Waits until the groups have committed everything. A group without members is given one. */
export async function catchUp(api: GatewayApi, crews: readonly Crew[]): Promise<void> {
  for (const crew of crews) if (crew.members.length === 0) crew.start();
  await untilNothing(async () => {
    for (const crew of crews) crew.check();
    const lags = await Promise.all(crews.map(({ work }) => api.lag(work)));
    return lags.reduce<number>((sum, lag) => sum + (lag ?? 1), 0);
  }, "the groups");
}

/** One line for the end of a run. */
export function consumersLine(crews: readonly Crew[]): string {
  const sum = (field: "started" | "killed") => crews.reduce((all, crew) => all + crew[field], 0);
  return `consumers started ${sum("started")}, killed ${sum("killed")}`;
}
