/**
 * One group at this gateway: the commands that wait for it, its state as it was last stored, and the
 * members whose sockets are here. All commands that wait are carried out in one transition; only when
 * it is stored are the members told (decide, write, then speak).
 *
 * Deadlines are kept here, in memory and on the monotonic clock: they begin when this gateway first
 * sees what they are about, and what is due is a command like any other.
 */

import { GatewayError } from "../errors.ts";
import { type Host, newId } from "../host/host.ts";
import { GROUP, STORE } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import { transact } from "../store/transact.ts";
import { CommandQueue, type Waiter, type Waiting } from "./command_queue.ts";
import { Deadlines } from "./deadlines.ts";
import { stepsAtOnce } from "./group_keys.ts";
import { type LoadedGroup, loadGroup, mostBytes } from "./group_store.ts";
import type { Membership } from "./membership.ts";
import { prepare, type Prepared, type Preparing, type StartingLog } from "./preparation.ts";
import { EMPTY, type GroupState, holderOf } from "./state.ts";
import { type Dated, Takeovers } from "./takeover.ts";
import { tell } from "./telling.ts";
import type { Command } from "./transition.ts";

export interface GroupContext {
  readonly store: Store;
  readonly host: Host;
  readonly log: StartingLog;
  /** This gateway. */
  readonly gateway: string;
  readonly peers: GroupPeers;
}

/** What groups want of the other gateways. */
export interface GroupPeers {
  isAlive(gateway: string): boolean;
  /** The state of a group was changed here, which members at others are to hear of. */
  changed(group: string): void;
}

/** A member that is here, by its id. */
interface Unfenced {
  readonly id: string;
  readonly membership: Membership;
}

export class Group {
  readonly name: string;
  readonly #context: GroupContext;
  /** By connection. */
  readonly members = new Map<string, Membership>();
  readonly #deadlines = new Deadlines();
  /** Of its state as it was last seen. */
  #bytes = 0;
  /** Those that were let in to join, and have not yet. */
  #arriving = 0;
  /** On the monotonic clock: when the next transition may begin. */
  #restsUntil = 0;
  #loaded: LoadedGroup | undefined;
  /** What the members that are here know of. */
  #told: GroupState = EMPTY;
  readonly #queue = new CommandQueue();
  #goesOn = false;
  /** Who wants the group to be looked at anew, and to hear when it was. */
  #looks: Waiter[] = [];
  /** Ends a rest. */
  #hurry: () => void = () => {};
  /** How often it was said that what is stored may not be what was seen. */
  #forgotten = 0;
  /** A transition has failed, which may have been due to go on: `tick` looks at the group anew. */
  #stalled = false;
  /** Writes that were given up and may be stored yet. */
  #doubts = 0;
  #running: Promise<void> | undefined;

  constructor(name: string, context: GroupContext) {
    this.name = name;
    this.#context = context;
  }

  /** As it was last seen in the store; while it is being changed, as members were told last. */
  get state(): GroupState {
    return this.#loaded?.state ?? this.#told;
  }

  /** Gateways at which members are, as of what was last seen. */
  get gateways(): ReadonlySet<string> {
    return new Set([...this.state.members.values()].map(({ gateway }) => gateway));
  }

  /** The version of the state that was last seen. */
  get version(): string | null | undefined {
    return this.#loaded?.checks[0]?.version;
  }

  /** Whether it can be forgotten here: nobody is here, and nothing is going on or waited for. */
  get isIdle(): boolean {
    const isNobodyHere = this.members.size === 0 && this.#arriving === 0;
    const isAtRest = !this.#running && !this.#stalled && this.#doubts === 0;
    return isNobodyHere && isAtRest && this.#deadlines.size === 0;
  }

  /**
   * Reserves room for a coming join; returns how to release it. Throws `overloaded` if there is none. A
   * returning instance needs none.
   */
  arrive(instance: string | undefined): () => void {
    const spokenFor = this.#bytes + this.#arriving * GROUP.memberBytes;
    if (spokenFor > GROUP.stateBytes && !holderOf(instance, this.state)) throw full(this.name);
    this.#arriving++;
    return () => this.#arriving--;
  }

  /** Resolves when the command is carried out, and stored. */
  command(command: Command): Promise<void> {
    const done = this.#queue.put(command, this.#context.host.clock.monotonic());
    this.wake();
    return done;
  }

  /** Carries out what waits, or looks at the group anew if nothing does. */
  wake(): void {
    this.#running ??= this.#run();
  }

  /** Looks at the group anew, also if it is being looked at: that may have been before what happened. */
  lookAgain(): void {
    this.#look().catch(() => {}); // it is tried again by itself
  }

  #look(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#looks.push({ resolve, reject });
      this.#hurry();
      this.wake();
    });
  }

  /** Resolves when nothing is going on. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Sees what is stored now, and tells the members that are here. `unavailable` if it cannot. */
  async reload(): Promise<void> {
    this.forget();
    try {
      await this.#look();
    } catch {
      throw new GatewayError("unavailable", `The state of group ${this.name} cannot be read`);
    }
  }

  /** What is stored may not be what was seen last: the next transition reads it again. */
  forget(): void {
    this.#loaded = undefined;
    this.#forgotten++;
  }

  tick(now: number): void {
    if (this.#stalled) this.wake();
    this.#deadlines.tick(now, (command) => this.command(command));
  }

  async #run(): Promise<void> {
    await undefined; // so that all that this turn brings shares the first transition
    this.#stalled = false;
    do {
      await this.#rest();
      const looks = this.#looks.splice(0);
      const batch = this.#isResting && looks.length > 0 ? [] : this.#nextBatch();
      try {
        const refused = await this.#carryOut(batch);
        if (batch.length > 0 || this.#goesOn) this.#beginRest();
        for (const { command, resolve, reject } of batch) {
          const why = refused.get(command);
          if (why) reject(why);
          else resolve();
        }
        for (const { resolve } of looks) resolve();
      } catch (error) {
        this.#failed(error);
        for (const { reject } of [...batch, ...looks]) reject(error);
      }
    } while (!this.#queue.isEmpty || this.#goesOn || this.#looks.length > 0);
    this.#running = undefined;
  }

  #nextBatch(): Waiting[] {
    const now = this.#context.host.clock.monotonic();
    return this.#queue.take(stepsAtOnce(this.name), now, (command) => this.#isWanted(command));
  }

  #failed(error: unknown): void {
    const { clock, telemetry } = this.#context.host;
    this.#loaded = undefined;
    this.#goesOn = false;
    this.#stalled = true;
    this.#restsUntil = clock.monotonic() + GROUP.againMs;
    if (error instanceof GatewayError) return;
    telemetry.report("error", "A group's transition failed", { error });
  }

  /** Carries the commands out; returns why some of them were not. */
  async #carryOut(dated: readonly Dated[]): Promise<ReadonlyMap<Command, GatewayError>> {
    const { store, host: { clock }, host } = this.#context;
    const stamp = newId(host);
    const told = this.#told;
    const begun = clock.monotonic();
    const takeovers = new Takeovers();
    const refused = new Map<Command, GatewayError>();
    let version: string | undefined;
    let forgotten = 0;
    const prepared = await transact(store, host, {
      load: async () => {
        forgotten = this.#forgotten;
        const known = this.#loaded;
        this.#loaded = undefined; // until it is stored again, nobody knows what is
        const loaded = known ?? await loadGroup(store, this.name);
        // What is known here may be old: then the write is refused, and it is looked anew.
        for (const one of dated) {
          const why = takeovers.refusal(one, loaded.state, !known, clock.monotonic());
          if (why) refused.set(one.command, why);
        }
        const next = await this.#prepare(dated, refused, { loaded, stamp, told });
        return { checks: [...loaded.checks, ...next.checks], next };
      },
      decide: ({ next }) => ({
        mutations: next.mutations,
        evidence: next.evidence,
        stored: (at) => version = at,
        inDoubt: (settling) => this.#waitFor(settling),
        result: next,
      }),
    });
    if (version !== undefined && this.#spans(prepared.before.state, prepared.transition.state)) {
      this.#context.peers.changed(this.name);
    }
    // What is told is what was so a moment ago: after a slow answer it is read again.
    const isSlow = store.shared && clock.monotonic() - begun > GROUP.freshMs;
    const unfenced = this.#unfenced(prepared, version);
    const isOld = (isSlow || unfenced.length > 0) &&
      !await this.#readFences(unfenced, version ?? prepared.before.checks[0]?.version ?? null);
    if (isOld) await this.#carryOut([]);
    else this.#apply(prepared, version);
    if (forgotten !== this.#forgotten) this.#loaded = undefined;
    return refused;
  }

  /** Makes ready what is wanted of these, and those who join only as far as a write takes them. */
  async #prepare(
    dated: readonly Dated[],
    refused: Map<Command, GatewayError>,
    from: Omit<Preparing, "commands">,
  ): Promise<Prepared> {
    const commands = dated.map(({ command }) => command)
      .filter((command) => !refused.has(command) && this.#isWanted(command));
    const prepared = await prepare(this.name, this.#context, { ...from, commands });
    const joins = commands.filter(({ type }) => type === "join");
    if (prepared.bytes <= mostBytes(from.loaded) || joins.length === 0) return prepared;
    // Others have joined elsewhere, or they take more than was thought.
    for (const join of joins.slice(joins.length >> 1)) refused.set(join, full(this.name));
    return await this.#prepare(dated, refused, from);
  }

  /**
   * Members that are here, and of whose fence nothing is known: the write that set it was stored, and
   * others wrote before its outcome was.
   */
  #unfenced({ transition: { state, fenced } }: Prepared, version: string | undefined): Unfenced[] {
    return [...state.members].flatMap(([id, { connection }]) => {
      const membership = this.members.get(connection);
      const isSetNow = version !== undefined && fenced.has(id);
      if (!membership || membership.knowsFence || isSetNow) return [];
      return [{ id, membership }];
    });
  }

  /** What may be stored yet is looked at when it is, though nobody waits for it any more. */
  async #waitFor(settling: Promise<unknown>): Promise<void> {
    this.#doubts++;
    try {
      await settling;
    } finally {
      this.#doubts--;
      this.forget();
      this.lookAgain();
    }
  }

  /** Members whose join was given up and stored after all: nobody is here to speak for them. */
  #sendAwayStrays({ members }: GroupState): void {
    for (const { gateway, connection, away } of members.values()) {
      if (gateway !== this.#context.gateway || away || this.members.has(connection)) continue;
      this.command({ type: "disconnect", connection }).catch(() => this.forget());
    }
  }

  get #isResting(): boolean {
    return this.#context.host.clock.monotonic() < this.#restsUntil;
  }

  /**
   * All that a group costs is in proportion to its state: a large one leaves time to others. Only a look,
   * for which somebody waits, is not put off.
   */
  async #rest(): Promise<void> {
    const { clock } = this.#context.host;
    if (!this.#isResting || this.#looks.length > 0) return;
    const ms = this.#restsUntil - clock.monotonic();
    await new Promise<void>((goOn) => {
      const cancel = clock.after(ms, goOn);
      this.#hurry = () => {
        cancel();
        goOn();
      };
    });
    this.#hurry = () => {};
  }

  /** Whoever joins may have gone while that waited. */
  #isWanted(command: Command): boolean {
    if (command.type !== "join") return true;
    return this.members.get(command.member.connection)?.isGone === false;
  }

  /**
   * Reads fences together with the state's version: the right to commit that they stand for is taken
   * up only with the state that it belongs to. Returns whether that is still the state.
   */
  async #readFences(unfenced: readonly Unfenced[], version: string | null): Promise<boolean> {
    const { store } = this.#context;
    for (let at = 0; at === 0 || at < unfenced.length; at += STORE.readKeys - 1) {
      const some = unfenced.slice(at, at + STORE.readKeys - 1);
      const fences = some.map(({ id }) => keys.fence(this.name, id));
      const [root, ...found] = await store.read([keys.group(this.name), ...fences]);
      if (root?.version !== version) return false;
      for (const [i, { membership }] of some.entries()) {
        const fence = found[i]?.version;
        if (fence) membership.fencedAt(fence);
        else membership.fenceGone();
      }
    }
    return true;
  }

  #apply(prepared: Prepared, version: string | undefined): void {
    const { before, root, bytes, transition, transition: { state } } = prepared;
    this.#loaded = version === undefined ? before : {
      checks: before.checks.map(({ key }) => ({ key, version })),
      root,
      state,
      bytes,
    };
    this.#bytes = this.#loaded.bytes;
    this.#goesOn = transition.goesOn && !transition.unchanged;
    this.#deadlines.watch(state, this.#context);
    if (version !== undefined) this.#fence(transition, version);
    const { topics } = this.#context.log;
    tell(this.#told, prepared, this.members, (topic) => !topics.isCurrent(topic));
    this.#told = state;
    this.#sendAwayStrays(state);
  }

  /** The right to commit stands under the version of the write: who has it is told what of it is left. */
  #fence({ state, fenced }: Prepared["transition"], version: string): void {
    for (const member of fenced) {
      const { connection = "" } = state.members.get(member) ?? {};
      this.members.get(connection)?.fencedAt(version);
    }
  }

  /** A short one while instances wait: they must be in before they are given up. */
  #beginRest(): void {
    const bytesPerMs = GROUP.bytesPerMs * (this.#queue.hasInstances ? GROUP.returnsAtOnce : 1);
    const ms = Math.floor(this.#bytes / bytesPerMs);
    this.#restsUntil = this.#context.host.clock.monotonic() + ms;
  }

  /** Whether members at other gateways are, or were, in it. */
  #spans(...states: readonly GroupState[]): boolean {
    const { gateway } = this.#context;
    return states.some(({ members }) =>
      [...members.values()].some((member) => member.gateway !== gateway)
    );
  }
}

function full(group: string): GatewayError {
  const message = `Group ${group} has too many members for one more`;
  return new GatewayError("overloaded", message, { retryAfterMs: 1_000 });
}
