import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Membership } from "../../src/group/membership.ts";
import type { Prepared } from "../../src/group/preparation.ts";
import type { GroupState, GroupTopic, Member } from "../../src/group/state.ts";
import { type Change, tell } from "../../src/group/telling.ts";

interface Owned {
  readonly owner: number | undefined;
  readonly since: number;
  readonly revoking: boolean;
}

/** By topic; undefined: it is not there. */
type Owning = readonly (readonly Owned[] | undefined)[];

const MEMBERS = 4;

function memberOf(number: number): Member {
  return {
    id: `member-${number}`,
    connection: `connection-${number}`,
    gateway: "here",
    topics: [],
    from: "earliest",
    sessionTimeoutMs: 1_000,
    revokeTimeoutMs: 1_000,
    away: false,
    draining: false,
  };
}

/** A group's state. `looks` counts how often the owners of a topic are read. */
function stateOf(owning: Owning, members: readonly Member[], looks = { count: 0 }): GroupState {
  const topics = owning.flatMap((partitions, number): [string, GroupTopic][] => {
    if (!partitions) return [];
    const owners = partitions.map(({ owner }) => owner === undefined ? owner : `member-${owner}`);
    const topic = {
      topic: { id: `${number}`, name: `topic-${number}`, partitions: partitions.length },
      get owners() {
        looks.count++;
        return owners;
      },
      since: partitions.map(({ since }) => since),
      revoking: new Set(partitions.flatMap(({ revoking }, i) => revoking ? [i] : [])),
    };
    return [[`${number}`, topic]];
  });
  const ids = new Map(members.map((member) => [member.id, member]));
  return { epoch: 1, members: ids, topics: new Map(topics) };
}

function preparedOf(state: GroupState): Prepared {
  const known = { committed: () => undefined, end: () => undefined };
  return { transition: { state }, ...known } as unknown as Prepared;
}

/** What `members` are told of a change of state; those in `fresh` were told nothing before. */
function told(
  from: GroupState,
  to: GroupState,
  members: readonly Member[],
  fresh: ReadonlySet<string>,
) {
  const changes = new Map<string, Change>();
  const memberships = members.map(({ id, connection }): [string, Membership] => {
    const isTold = !fresh.has(id);
    const membership = {
      connection,
      isTold,
      tell: (_member: Member, _epoch: number, change: Change) => void changes.set(id, change),
    };
    return [connection, membership as unknown as Membership];
  });
  tell(from, preparedOf(to), new Map(memberships), () => false);
  return changes;
}

Deno.test("each member is told of what it got, has to give up and has lost, and of nothing else", () => {
  const owned = fc.record({
    owner: fc.option(fc.nat(MEMBERS - 1), { nil: undefined }),
    since: fc.nat(2),
    revoking: fc.boolean(),
  });
  const partitions = fc.option(fc.array(owned, { minLength: 3, maxLength: 3 }), { nil: undefined });
  const owning = fc.array(partitions, { minLength: 2, maxLength: 2 });
  const numbers = fc.subarray([0, 1, 2, 3]);
  fc.assert(fc.property(owning, owning, numbers, numbers, (before, after, here, fresh) => {
    const members = here.map(memberOf);
    const ids = new Set(fresh.map((number) => memberOf(number).id));
    const changes = told(stateOf(before, members), stateOf(after, members), members, ids);
    for (const number of here) {
      const joins = fresh.includes(number);
      const expected = {
        assigned: Array<string>(),
        revoked: Array<string>(),
        lost: Array<string>(),
      };
      for (const topic of before.keys()) {
        for (let partition = 0; partition < 3; partition++) {
          const name = `topic-${topic}/${partition}`;
          const was = before[topic]?.[partition];
          const is = after[topic]?.[partition];
          const had = was?.owner === number && !joins;
          const keeps = had && is?.owner === number && is.since === was.since;
          if (had && !keeps) expected.lost.push(name);
          if (is?.owner !== number) continue;
          if (!keeps) expected.assigned.push(name);
          if (is.revoking && !(keeps && was.revoking)) expected.revoked.push(name);
        }
      }
      const { assigned = [], revoked = [], lost = [] } = changes.get(memberOf(number).id) ?? {};
      const names = (some: Change["lost"]) =>
        some.map(({ topic, partition }) => `${topic.name}/${partition}`).sort();
      assertEquals(
        { assigned: names(assigned), revoked: names(revoked), lost: names(lost) },
        expected,
      );
    }
  }));
});

Deno.test("however many are told, a topic's partitions are walked over once", () => {
  const members = Array.from({ length: 100 }, (_, number) => memberOf(number));
  const owning = (shift: number): Owning => [
    members.map((_, number) => ({ owner: (number + shift) % 100, since: shift, revoking: false })),
  ];
  const looks = { count: 0 };
  const changes = told(
    stateOf(owning(0), members),
    stateOf(owning(1), members, looks),
    members,
    new Set(),
  );
  assertEquals(changes.size, 100);
  assertEquals(looks.count, 1);
});
