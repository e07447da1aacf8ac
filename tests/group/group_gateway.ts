/** A gateway as far as groups go, and members of them without sockets. */

import type { GatewayError } from "../../src/errors.ts";
import type { CommitResult, OffsetToCommit } from "../../src/group/committer.ts";
import { Groups, type JoinSpec } from "../../src/group/groups.ts";
import type { Assigned, GroupPartition, MemberPort } from "../../src/group/member_port.ts";
import type { Membership } from "../../src/group/membership.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Write, WriteResult } from "../../src/store/store.ts";
import { settled, type TestHost, testHost } from "../support/test_host.ts";

/** A member that releases at once what it is told to give up, and remembers what it was told. */
export class Port implements MemberPort {
  readonly isGone = false;
  readonly owned = new Map<string, number>();
  readonly told: string[] = [];
  membership: Membership | undefined;
  releases = true;

  assign(_: number, partitions: readonly Assigned[]): void {
    for (const { topic, partition, offset } of partitions) {
      this.owned.set(`${topic.name}/${partition}`, offset);
    }
    this.told.push(`assign ${partitions.length}`);
  }

  revoke(_: number, partitions: readonly GroupPartition[]): void {
    this.told.push(`revoke ${partitions.length}`);
    if (!this.releases) return;
    for (const { topic, partition } of partitions) this.owned.delete(`${topic.name}/${partition}`);
    this.membership?.release(
      partitions.map(({ topic, partition }) => ({ topic: topic.name, partition })),
    );
  }

  lost(_: number, partitions: readonly GroupPartition[]): void {
    for (const { topic, partition } of partitions) this.owned.delete(`${topic.name}/${partition}`);
    this.told.push(`lost ${partitions.length}`);
  }

  end(error: GatewayError): void {
    this.owned.clear();
    this.told.push(`end ${error.code} ${error.retry}`);
  }
}

/** A store of which one answer comes late, or not at all, and which one write reaches late. */
export class LateStore extends MemoryStore {
  /** The answer to the next write waits for it, and is lost if it comes to that. */
  late: Promise<void | "lost"> | undefined;
  /** The next write waits for it before it is carried out. */
  held: Promise<void> | undefined;

  override async write(write: Write): Promise<WriteResult> {
    const { late, held } = this;
    this.late = undefined;
    this.held = undefined;
    if (held) await held;
    const result = await super.write(write);
    return await late === "lost" ? { outcome: "unknown", cause: "lost" } : result;
  }
}

export function gateway(
  store: MemoryStore,
  host: TestHost,
  name: string,
  { isAlive }: { isAlive(other: string): boolean } = { isAlive: (other) => other === name },
) {
  const log = new Log(store, host, 4);
  const peers = { isAlive, changed() {} };
  const options = { store, host, log, gateway: name, peers, sessionTimeoutMs: 1_000 };
  const groups = new Groups(options);
  return { store, host, log, groups };
}

export type Gateway = ReturnType<typeof gateway>;

/** Two on one store, of which each takes all others for alive. */
export function twoGateways(store: MemoryStore, host: TestHost): readonly [Gateway, Gateway] {
  const everybody = { isAlive: () => true };
  return [gateway(store, host, "one", everybody), gateway(store, host, "two", everybody)];
}

/** Lets time pass until it is done: a large group rests between two transitions. */
export async function passing<T>({ host }: Gateway, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = () => void (isDone = true);
  work.then(done, done);
  while (!isDone) await host.clock.advance(10);
  return await work;
}

/** It looks at its groups anew. */
export async function reload(at: Gateway): Promise<void> {
  at.groups.reload();
  await passing(at, at.groups.idle());
}

export function fixture(): Gateway {
  return gateway(new MemoryStore(), testHost(), "one");
}

export async function join({ groups }: Gateway, spec: Partial<JoinSpec> = {}): Promise<Port> {
  const port = new Port();
  const { group = "g" } = spec;
  const arrived = groups.arrive(group, spec.instance);
  try {
    port.membership = await groups.join({ topics: ["t"], ...spec, group }, port);
  } finally {
    arrived();
  }
  await settled();
  return port;
}

export function commit(port: Port, offsets: readonly OffsetToCommit[]): Promise<CommitResult> {
  return new Promise((done) => port.membership?.commit(offsets, done));
}

export async function append({ log }: Gateway, partition: number, count: number): Promise<void> {
  const topic = await log.topics.ensure("t");
  const source = new TextEncoder().encode("1");
  const records = new Array(count).fill({ source, from: 0, to: 1, partition });
  await new Promise((done) => log.append({ parts: [{ topic, records }], done }));
}

export function outcome(result: CommitResult): unknown {
  return result.ok ? result.offsets.map(({ offset }) => offset) : result.error.code;
}
