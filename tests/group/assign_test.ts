import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { assign, type AssignedTopic, type Assignment } from "../../src/group/assign.ts";

/** Who owns how many: of a topic, and in all. */
function counts(
  assignment: Assignment,
): { perTopic: Map<string, Map<string, number>>; totals: Map<string, number> } {
  const perTopic = new Map<string, Map<string, number>>();
  const totals = new Map<string, number>();
  for (const [topic, owners] of assignment) {
    const own = new Map<string, number>();
    for (const owner of owners) {
      if (owner === undefined) continue;
      own.set(owner, (own.get(owner) ?? 0) + 1);
      totals.set(owner, (totals.get(owner) ?? 0) + 1);
    }
    perTopic.set(topic, own);
  }
  return { perTopic, totals };
}

/** Topics with members and owners, as random joins, leaves and assignments before have left them. */
const topicsArbitrary: fc.Arbitrary<AssignedTopic[]> = fc.integer({ min: 1, max: 7 }).chain(
  (members) => {
    const names = Array.from({ length: members }, (_, i) => `m${i}`);
    const owner = fc.option(fc.constantFrom(...names, "gone"), { nil: undefined });
    const topic = fc.record({
      owners: fc.array(owner, { minLength: 1, maxLength: 12 }),
      members: fc.subarray(names),
    });
    return fc.array(topic, { minLength: 1, maxLength: 4 }).map((topics) =>
      topics.map((topic, i) => ({ id: `t${i}`, ...topic }))
    );
  },
);

/** The assignment as the state of things: what the next call starts from. */
function carriedOut(topics: readonly AssignedTopic[], assignment: Assignment): AssignedTopic[] {
  return topics.map((topic) => ({ ...topic, owners: assignment.get(topic.id) ?? [] }));
}

function moves(topics: readonly AssignedTopic[], assignment: Assignment): number {
  return topics.reduce(
    (sum, { id, owners }) =>
      sum + owners.filter((owner, i) => owner !== assignment.get(id)?.[i]).length,
    0,
  );
}

Deno.test("every partition of a topic that somebody wants has an owner who wants it", () => {
  fc.assert(
    fc.property(topicsArbitrary, (topics) => {
      const assignment = assign(topics);
      for (const { id, owners, members } of topics) {
        const assigned = assignment.get(id) ?? [];
        assertEquals(assigned.length, owners.length);
        for (const owner of assigned) {
          assertEquals(owner !== undefined, members.length > 0);
          if (owner !== undefined) assert(members.includes(owner), `${owner} does not want ${id}`);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("of each topic all members own the same, give or take one", () => {
  fc.assert(
    fc.property(topicsArbitrary, (topics) => {
      const { perTopic } = counts(assign(topics));
      for (const { id, members } of topics) {
        const own = members.map((member) => perTopic.get(id)?.get(member) ?? 0);
        if (own.length > 0) assert(Math.max(...own) - Math.min(...own) <= 1, `${id}: ${own}`);
      }
    }),
    { numRuns: 2_000 },
  );
});

/** All ways to choose who gets one more of each topic: the spread of totals cannot be less than the best. */
function bestSpread(topics: readonly AssignedTopic[]): number[] {
  const base = new Map<string, number>();
  const choices: string[][][] = [];
  for (const { owners, members } of topics) {
    const least = members.length === 0 ? 0 : Math.floor(owners.length / members.length);
    for (const member of members) base.set(member, (base.get(member) ?? 0) + least);
    choices.push(subsets(members, members.length === 0 ? 0 : owners.length % members.length));
  }
  let best: number[] | undefined;
  const visit = (i: number, totals: ReadonlyMap<string, number>) => {
    const choice = choices[i];
    if (!choice) {
      const sorted = [...totals.values()].sort((a, b) => b - a);
      if (!best || isMoreEven(sorted, best)) best = sorted;
      return;
    }
    for (const chosen of choice) {
      const next = new Map(totals);
      for (const member of chosen) next.set(member, (next.get(member) ?? 0) + 1);
      visit(i + 1, next);
    }
  };
  visit(0, base);
  return best ?? [];
}

function subsets(items: readonly string[], size: number): string[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, i) =>
    subsets(items.slice(i + 1), size - 1).map((rest) => [item, ...rest])
  );
}

/** The sum of squares is least where totals are as even as can be. */
function isMoreEven(a: readonly number[], b: readonly number[]): boolean {
  const squares = (totals: readonly number[]) => totals.reduce((sum, total) => sum + total ** 2, 0);
  return squares(a) < squares(b);
}

Deno.test("over all topics totals are as even as any choice could make them", () => {
  const small = topicsArbitrary.filter((topics) =>
    topics.every(({ members }) => members.length <= 5)
  );
  fc.assert(
    fc.property(small, (topics) => {
      const { totals } = counts(assign(topics));
      const members = new Set(topics.flatMap((topic) => topic.members));
      const own = [...members].map((member) => totals.get(member) ?? 0);
      const best = bestSpread(topics);
      assert(!isMoreEven(best, own), `${own} could be ${best}`);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("what is even already stays as it is", () => {
  fc.assert(
    fc.property(topicsArbitrary, (topics) => {
      const after = carriedOut(topics, assign(topics));
      assertEquals(moves(after, assign(after)), 0);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("when a member comes or goes, of one topic no more moves than it must", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 10 }),
      (partitions, count) => {
        const names = Array.from({ length: count }, (_, i) => `m${i}`);
        const nobody = new Array<undefined>(partitions).fill(undefined);
        const before = [{ id: "t", owners: nobody, members: names }];
        const settled = carriedOut(before, assign(before));

        const joined = settled.map((topic) => ({ ...topic, members: [...names, "new"] }));
        const newOne = Math.floor(partitions / (count + 1));
        assertEquals(
          moves(joined, assign(joined)),
          newOne,
          "a newcomer gets its share, no more moves",
        );

        if (count === 1) return;
        const left = settled.map((topic) => ({ ...topic, members: names.slice(1) }));
        const lost = settled[0]?.owners.filter((owner) => owner === "m0").length ?? 0;
        assertEquals(moves(left, assign(left)), lost, "only what the one that left had");
      },
    ),
    { numRuns: 1_000 },
  );
});

Deno.test("a thousand members over a thousand partitions are assigned at once", () => {
  const members = Array.from({ length: 1_000 }, (_, i) => `m${String(i).padStart(4, "0")}`);
  const nobody = new Array<undefined>(1_000).fill(undefined);
  const { totals } = counts(assign([{ id: "t", owners: nobody, members }]));
  assertEquals([...totals.values()].every((own) => own === 1), true);
  assertEquals(totals.size, 1_000);
});

Deno.test("whom nobody can relieve is not gone through again for each of those in the same case", () => {
  const count = 40;
  const names = (kind: string) => Array.from({ length: count }, (_, i) => `${kind}${i}`);
  let looks = 0;
  const seen = (members: readonly string[]) =>
    Object.defineProperty([...members], Symbol.iterator, {
      value: () => (looks++, members.values()),
    });
  const topicsOf = (kind: string, partitions: number, members: readonly string[]) =>
    Array.from({ length: 20 }, (_, i) => ({
      id: `${kind}${i}`,
      owners: new Array<undefined>(partitions).fill(undefined),
      members: seen(members),
    }));
  // Those of `a` all own much more than those of `b`, who want other topics; half of `b` comes later.
  const [a, b] = [names("a"), names("b")];
  const before = [...topicsOf("a", 48, a), ...topicsOf("b", 8, b.slice(0, count / 2))];
  const owners = assign(before);
  const after = [...topicsOf("a", 48, a), ...topicsOf("b", 8, b)].map((topic) => ({
    ...topic,
    owners: owners.get(topic.id) ?? [],
  }));
  looks = 0;
  assign(after);
  const extras = after.length * 8;
  assert(looks < extras ** 2, `${looks} looks for ${extras} extras`);
});
