/**
 * One group at this gateway: the commands that wait for it, its state as last stored, and its local
 * members. All waiting commands are carried out in one transition; members are told only once that
 * is stored (decide, write, then reply).
 *
 * Deadlines are kept in memory, on the monotonic clock. They begin when this gateway first sees
 * their cause; what is due is a command like any other.
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

/** What groups need of the other gateways. */
export interface GroupPeers {
  isAlive(gateway: string): boolean;
  /** This gateway changed a group's state: the gateways of its other members must hear of it. */
  changed(group: string): void;
}

/** A local member whose fence is not known, by its id. */
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
  /** The size of its state as last seen. */
  #bytes = 0;
  /** Joins that have room reserved and are not carried out yet. */
  #arriving = 0;
  /** On the monotonic clock: when the next transition may begin. */
  #restsUntil = 0;
  #loaded: LoadedGroup | undefined;
  /** The state that local members were last told. */
  #told: GroupState = EMPTY;
  readonly #queue = new CommandQueue();
  #goesOn = false;
  /** Callers that wait for the state to be reread. */
  #looks: Waiter[] = [];
  /** Ends a rest early. */
  #hurry: () => void = () => {};
  /** How often `forget` was called. */
  #forgotten = 0;
  /** A transition has failed, perhaps with more steps to follow: `tick` rereads the state. */
  #stalled = false;
  /** Writes that were given up and may still be stored. */
  #doubts = 0;
  #running: Promise<void> | undefined;

  constructor(name: string, context: GroupContext) {
    this.name = name;
    this.#context = context;
  }

  /** The state as last seen in the store; during a transition, as members were last told. */
  get state(): GroupState {
    return this.#loaded?.state ?? this.#told;
  }

  /** The gateways of its members, as last seen. */
  get gateways(): ReadonlySet<string> {
    return new Set([...this.state.members.values()].map(({ gateway }) => gateway));
  }

  /** The version of the state that was last seen. */
  get version(): string | null | undefined {
    return this.#loaded?.checks[0]?.version;
  }

  /** Whether it can be dropped from memory: nobody is here, nothing in progress or waited for. */
  get isIdle(): boolean {
    const isNobodyHere = this.members.size === 0 && this.#arriving === 0;
    const isAtRest = !this.#running && !this.#stalled && this.#doubts === 0;
    return isNobodyHere && isAtRest && this.#deadlines.size === 0;
  }

  /**
   * Reserves room for a join; returns what releases it. Throws `overloaded` if the group is full. A
   * returning instance needs no room.
   */
  arrive(instance: string | undefined): () => void {
    const spokenFor = this.#bytes + this.#arriving * GROUP.memberBytes;
    if (spokenFor > GROUP.stateBytes && !holderOf(instance, this.state)) throw full(this.name);
    this.#arriving++;
    return () => this.#arriving--;
  }

  /** Resolves when the command is carried out and stored. */
  command(command: Command): Promise<void> {
    const done = this.#queue.put(command, this.#context.host.clock.monotonic());
    this.wake();
    return done;
  }

  /** Carries out the waiting commands, or rereads the state if there are none. */
  wake(): void {
    this.#running ??= this.#run();
  }

  /** Rereads the state, even if that is in progress: the read may have come before the change. */
  lookAgain(): void {
    this.#look().catch(() => {}); // it is retried
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

  /** Rereads the state and tells local members. Throws `unavailable` if it cannot. */
  async reload(): Promise<void> {
    this.forget();
    try {
      await this.#look();
    } catch {
      throw new GatewayError("unavailable", `The state of group ${this.name} cannot be read`);
    }
  }

  /** The state may have changed in the store: the next transition rereads it. */
  forget(): void {
    this.#loaded = undefined;
    this.#forgotten++;
  }

  tick(now: number): void {
    if (this.#stalled) this.wake();
    this.#deadlines.tick(now, (command) => this.command(command));
  }

  async #run(): Promise<void> {
    await undefined; // everything from this turn shares the first transition
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

  /** Carries the commands out; returns the errors of those that were refused. */
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
        this.#loaded = undefined; // what is stored is unknown until the transition is
        const loaded = known ?? await loadGroup(store, this.name);
        // A known state may be old: then the write is refused, and it is reread.
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
    // Members must be told a fresh state: after a slow write it is checked again.
    const isSlow = store.shared && clock.monotonic() - begun > GROUP.freshMs;
    const unfenced = this.#unfenced(prepared, version);
    const isOld = (isSlow || unfenced.length > 0) &&
      !await this.#readFences(unfenced, version ?? prepared.before.checks[0]?.version ?? null);
    if (isOld) await this.#carryOut([]);
    else this.#apply(prepared, version);
    if (forgotten !== this.#forgotten) this.#loaded = undefined;
    return refused;
  }

  /** Prepares a transition for these; refuses joins as long as the state would become too large. */
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
    // Members have joined at other gateways, or these take more room than was reserved.
    for (const join of joins.slice(joins.length >> 1)) refused.set(join, full(this.name));
    return await this.#prepare(dated, refused, from);
  }

  /**
   * Local members whose fence is not known: the write that set it was stored, but its outcome was
   * only known after another write.
   */
  #unfenced({ transition: { state, fenced } }: Prepared, version: string | undefined): Unfenced[] {
    return [...state.members].flatMap(([id, { connection }]) => {
      const membership = this.members.get(connection);
      const isSetNow = version !== undefined && fenced.has(id);
      if (!membership || membership.knowsFence || isSetNow) return [];
      return [{ id, membership }];
    });
  }

  /** Rereads the state when a write that was given up is settled: no caller waits for it. */
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

  /** Removes members whose join was given up but stored after all: they have no connection. */
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
   * The cost of a group is proportional to its state, so a large one rests to leave time for
   * others. Only a reread, for which a caller waits, is not delayed.
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

  /** A member may have disconnected while its join waited. */
  #isWanted(command: Command): boolean {
    if (command.type !== "join") return true;
    return this.members.get(command.member.connection)?.isGone === false;
  }

  /**
   * Reads fences together with the state's version: a fence is used only with the state that it
   * belongs to. Returns whether the version is still the same.
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

  /** The write has set these fences: local members commit under its version from now on. */
  #fence({ state, fenced }: Prepared["transition"], version: string): void {
    for (const member of fenced) {
      const { connection = "" } = state.members.get(member) ?? {};
      this.members.get(connection)?.fencedAt(version);
    }
  }

  /** A shorter rest while instances wait to join, so that they do not time out. */
  #beginRest(): void {
    const bytesPerMs = GROUP.bytesPerMs * (this.#queue.hasInstances ? GROUP.returnsAtOnce : 1);
    const ms = Math.floor(this.#bytes / bytesPerMs);
    this.#restsUntil = this.#context.host.clock.monotonic() + ms;
  }

  /** Whether any of these states has members at other gateways. */
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
