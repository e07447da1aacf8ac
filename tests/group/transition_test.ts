import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  decodeState,
  EMPTY,
  encodeState,
  type GroupState,
  type Member,
} from "../../src/group/state.ts";
import { type Command, type Transition, transition } from "../../src/group/transition.ts";
import type { Topic } from "../../src/types.ts";

const TOPICS: readonly Topic[] = [
  { name: "a", id: "A", partitions: 5 },
  { name: "b", id: "B", partitions: 3 },
];

function member(connection: string, more: Partial<Member> = {}): Member {
  return {
    id: `id-${connection}`,
    connection,
    gateway: "g",
    topics: ["A", "B"],
    from: "earliest",
    sessionTimeoutMs: 1_000,
    revokeTimeoutMs: 1_000,
    away: false,
    draining: false,
    ...more,
  };
}

function join(connection: string, more: Partial<Member> = {}): Command {
  const joining = member(connection, more);
  return {
    type: "join",
    member: joining,
    topics: TOPICS.filter(({ id }) => joining.topics.includes(id)),
  };
}

/** Carries it out, and goes on as long as there is another step. */
function settle(state: GroupState, ...commands: Command[]): GroupState {
  let next = transition(state, commands);
  while (next.goesOn && !next.unchanged) next = transition(next.state, []);
  return next.state;
}

/** All release what they were told to give up, until nothing is being given up. */
function rest(state: GroupState): GroupState {
  for (let rounds = 0; rounds < 50; rounds++) {
    const releases = [...state.members.values()].map(({ id, connection }): Command => ({
      type: "release",
      connection,
      partitions: partitionsOf(state).filter(({ owner, revoking }) => owner === id && revoking),
    }));
    const next = settle(state, ...releases);
    if (next === state || partitionsOf(next).every(({ revoking }) => !revoking)) return next;
    state = next;
  }
  throw new Error("The group does not come to rest");
}

function partitionsOf({ topics }: GroupState) {
  return [...topics].flatMap(([topicId, { owners, revoking }]) =>
    owners.map((owner, partition) => ({
      topicId,
      partition,
      owner,
      revoking: revoking.has(partition),
    }))
  );
}

function owned(state: GroupState, connection: string): string[] {
  const id = [...state.members.values()].find((one) => one.connection === connection)?.id;
  return partitionsOf(state)
    .filter(({ owner }) => owner !== undefined && owner === id)
    .map(({ topicId, partition }) => `${topicId}${partition}`);
}

Deno.test("the first member gets everything, and one more gets its share once it is released", () => {
  const one = settle(EMPTY, join("x"));
  assertEquals(owned(one, "x").length, 8);
  const two = settle(one, join("y"));
  assertEquals(owned(two, "y"), [], "nothing is taken before it is released");
  assertEquals(partitionsOf(two).filter(({ revoking }) => revoking).length, 4);
  const settled = rest(two);
  assertEquals([owned(settled, "x").length, owned(settled, "y").length], [4, 4]);
});

Deno.test("what is not given up in time is taken, and goes on elsewhere in the next transition", () => {
  const two = settle(settle(EMPTY, join("x")), join("y"));
  const revoked = partitionsOf(two).filter(({ revoking }) => revoking);
  const overdue = revoked.map(({ topicId, partition }): Command => ({
    type: "overdue",
    owner: "id-x",
    at: { topicId, partition },
  }));
  const taken = transition(two, overdue);
  assert(taken.fenced.has("id-x"));
  assertEquals(taken.given, [], "a partition is free in a stored state before it is given");
  assertEquals(owned(settle(taken.state), "y").length, 4);
});

Deno.test("what is given up is found without a walk over all of the group for each", () => {
  const topics = ["A", "B", "C"].map((id) => ({ name: id, id, partitions: 100 }));
  const joinAll = (connection: string): Command => ({
    type: "join",
    member: member(connection, { topics: ["A", "B", "C"] }),
    topics,
  });
  const state = settle(settle(EMPTY, joinAll("x")), joinAll("y"));
  const partitions = partitionsOf(state).filter(({ revoking }) => revoking);
  const commands: Command[] = [
    { type: "release", connection: "x", partitions: partitions.slice(0, 75) },
    ...partitions.slice(75).map((at): Command => ({ type: "overdue", owner: "id-x", at })),
  ];
  const { entries } = Array.prototype;
  let walks = 0;
  Array.prototype.entries = function () {
    walks++;
    return entries.call(this);
  };
  try {
    transition(state, commands);
  } finally {
    Array.prototype.entries = entries;
  }
  assertEquals(partitions.length, 150);
  assert(walks < 100, `${walks} walks`);
});

Deno.test("a member without an instance ends with its connection, one with waits for it", () => {
  const both = rest(settle(settle(EMPTY, join("x")), join("y", { instance: "i" })));
  const xGone = settle(both, { type: "disconnect", connection: "x" });
  assertEquals(owned(xGone, "y").length, 8);
  const yAway = settle(both, { type: "disconnect", connection: "y" });
  assertEquals(owned(yAway, "y").length, 4, "it is waited for");
  const back = transition(yAway, [join("z", { instance: "i" })]);
  assertEquals(owned(back.state, "z"), owned(both, "y"), "no rebalance");
  assert(back.fenced.has("id-y"), "what its last connection may still send is refused");
  const expired = settle(yAway, { type: "expire", connection: "y" });
  assertEquals(owned(expired, "x").length, 8);
});

Deno.test("an instance that comes back loses what was being taken from it", () => {
  const waiting = settle(settle(EMPTY, join("x", { instance: "i" })), join("y"));
  const back = settle(waiting, join("z", { instance: "i" }));
  assertEquals([owned(back, "z").length, owned(back, "y").length], [4, 4]);
});

Deno.test("a deleted topic is taken from all, and ends those that want no other", () => {
  const both = rest(settle(settle(EMPTY, join("x")), join("y", { topics: ["A"] })));
  const after = settle(both, { type: "topicRemoved", topicId: "A" });
  assertEquals([...after.members.keys()], ["id-x"]);
  assertEquals(owned(after, "x"), ["B0", "B1", "B2"]);
});

const CONNECTIONS = ["u", "v", "w", "x", "y", "z"];

const commandArbitrary: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    connection: fc.constantFrom(...CONNECTIONS),
    instance: fc.option(fc.constantFrom("i", "j"), { nil: undefined }),
    topics: fc.subarray(["A", "B"], { minLength: 1 }),
  }).map(({ connection, instance, topics }) =>
    // No two members ever have the same id.
    join(connection, {
      topics,
      ...(instance === undefined ? {} : { instance, id: `id-${connection}-${instance}` }),
    })
  ),
  fc.record({
    type: fc.constantFrom("leave", "disconnect", "expire", "drain"),
    connection: fc.constantFrom(...CONNECTIONS),
  }) as fc.Arbitrary<Command>,
  fc.record({
    type: fc.constant("release" as const),
    connection: fc.constantFrom(...CONNECTIONS),
    partitions: fc.subarray(
      TOPICS.flatMap(({ id, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => ({ topicId: id, partition }))
      ),
    ),
  }),
  fc.record({
    type: fc.constant("overdue" as const),
    owner: fc.constantFrom(...CONNECTIONS.map((connection) => `id-${connection}`)),
    at: fc.constantFrom({ topicId: "A", partition: 1 }, { topicId: "B", partition: 2 }),
  }),
  fc.constantFrom<Command>({ type: "topicRemoved", topicId: "B" }),
);

/** What must be true of every step, whatever the commands. */
function assertLawful(before: GroupState, { state, fenced, given }: Transition): void {
  const was = new Map(partitionsOf(before).map((one) => [`${one.topicId}${one.partition}`, one]));
  for (const { topicId, partition, owner, revoking } of partitionsOf(state)) {
    const old = was.get(`${topicId}${partition}`);
    if (owner !== undefined) {
      const own = state.members.get(owner);
      assert(own, "an owner is a member");
      assert(own.topics.includes(topicId), "an owner wants the topic");
      if (owner !== old?.owner) {
        assertEquals(old?.owner, undefined, "it was free when it was given");
      }
    }
    if (revoking) assert(owner !== undefined, "what is free is not being given up");
    if (old?.owner !== undefined && old.owner !== owner && state.members.has(old.owner)) {
      assert(fenced.has(old.owner), "who loses something is fenced");
    }
  }
  for (const { topicId, partition, member } of given) {
    assertEquals(state.topics.get(topicId)?.owners[partition], member);
  }
}

Deno.test("through any history a partition has one owner at most and changes hands only when it is free", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(commandArbitrary, { maxLength: 4 }), { maxLength: 30, size: "max" }),
      (steps) => {
        let state = EMPTY;
        for (const step of steps) {
          // A deleted topic takes its partitions with it, and nobody joins for it again.
          const commands = step.filter(({ type }) => type !== "topicRemoved");
          const next = transition(state, commands);
          assertLawful(state, next);
          assertEquals(
            decodeState(encodeState(next.state)),
            next.state,
            "stored and read it is the same",
          );
          state = next.state;
        }
      },
    ),
    { numRuns: 1_500 },
  );
});

Deno.test("after any history, when all release what they are told to, everything is owned evenly", () => {
  fc.assert(
    fc.property(fc.array(commandArbitrary, { maxLength: 40, size: "max" }), (commands) => {
      let state = EMPTY;
      for (const command of commands) state = settle(state, command);
      state = rest(state);
      for (const [topicId, { owners }] of state.topics) {
        const wanting = [...state.members.values()].filter(({ topics, draining }) =>
          topics.includes(topicId) && !draining
        );
        const own = wanting.map(({ id }) => owners.filter((owner) => owner === id).length);
        if (own.length === 0) continue;
        assert(
          owners.every((owner) => owner !== undefined),
          `${topicId} has a partition without owner`,
        );
        assert(Math.max(...own) - Math.min(...own) <= 1, `${topicId}: ${own}`);
      }
    }),
    { numRuns: 1_500 },
  );
});

Deno.test("a group at rest does not change by itself", () => {
  fc.assert(
    fc.property(fc.array(commandArbitrary, { maxLength: 20, size: "max" }), (commands) => {
      let state = EMPTY;
      for (const command of commands) state = settle(state, command);
      assertEquals(transition(rest(state), []).unchanged, true);
    }),
    { numRuns: 500 },
  );
});

Deno.test("a command that is carried out twice is carried out once", () => {
  const history = fc.array(commandArbitrary, { maxLength: 15, size: "max" });
  fc.assert(
    fc.property(history, commandArbitrary, (commands, last) => {
      let state = EMPTY;
      for (const command of commands) state = settle(state, command);
      const once = transition(state, [last]).state;
      const twice = transition(once, [last]);
      assertEquals(twice.state.members, once.members);
      assertEquals([...twice.fenced].filter((id) => state.members.has(id)), []);
    }),
    { numRuns: 1_500 },
  );
});
