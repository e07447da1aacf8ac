/**
 * The target assignment of a group: which member is to own which partition. Pure and deterministic.
 *
 * 1. Within a topic, its members' numbers of partitions differ by one at most.
 * 2. Over all topics, totals are as even as that allows.
 * 3. As few partitions move as 1 and 2 allow.
 *
 * Each topic gives every member the same number of partitions, and one extra to some of them: all
 * that is to be decided is who gets the extras. Members that already own an extra begin with it.
 * Then, as long as one member has at least two more in total than another, an extra is passed on,
 * over a chain of topics if needed. Members give up what exceeds their quota, and that fills the
 * quotas of others.
 */

export interface AssignedTopic {
  readonly id: string;
  /** The owner of each partition now; undefined if it has none that could keep it. */
  readonly owners: readonly (string | undefined)[];
  /** Members that want the topic, each once. */
  readonly members: readonly string[];
}

/** Topic → the member that is to own each partition; undefined if the topic has no member. */
export type Assignment = ReadonlyMap<string, readonly (string | undefined)[]>;

export function assign(topics: readonly AssignedTopic[]): Assignment {
  const plans = [...topics].sort((a, b) => a.id < b.id ? -1 : 1).map(planOf);
  const totals = new Map<string, number>();
  for (const { topic, least } of plans) {
    for (const member of topic.members) totals.set(member, (totals.get(member) ?? 0) + least);
  }
  for (const plan of plans) giveExtras(plan, totals);
  balance(plans, totals);
  return new Map(plans.map((plan) => [plan.topic.id, distribute(plan)]));
}

interface Plan {
  readonly topic: AssignedTopic;
  /** What every member gets. */
  readonly least: number;
  /** How many get one more. */
  readonly extras: number;
  readonly owned: ReadonlyMap<string, number>;
  readonly withExtra: Set<string>;
}

function planOf(topic: AssignedTopic): Plan {
  const members = new Set(topic.members);
  const owned = new Map<string, number>();
  for (const owner of topic.owners) {
    if (owner !== undefined && members.has(owner)) owned.set(owner, (owned.get(owner) ?? 0) + 1);
  }
  const count = topic.members.length;
  const least = count === 0 ? 0 : Math.floor(topic.owners.length / count);
  const extras = count === 0 ? 0 : topic.owners.length % count;
  return { topic, least, extras, owned, withExtra: new Set() };
}

/** First to those that already own an extra, then to those with the lowest totals. */
function giveExtras({ topic, least, extras, owned, withExtra }: Plan, totals: Map<string, number>) {
  const ranked = topic.members.map((member) => ({
    member,
    has: (owned.get(member) ?? 0) > least ? 0 : 1,
    total: totals.get(member) ?? 0,
  })).sort((a, b) => a.has - b.has || a.total - b.total || (a.member < b.member ? -1 : 1));
  for (const { member, total } of ranked.slice(0, extras)) {
    withExtra.add(member);
    totals.set(member, total + 1);
  }
}

/** Passes extras on until no member has two more in total than one that could take it. */
function balance(plans: readonly Plan[], totals: Map<string, number>): void {
  const movable = plans.filter(({ extras }) => extras > 0);
  let stuck = new Set<string>();
  for (;;) {
    const isFresh = stuck.size === 0;
    const lightest = [...totals.values()].reduce(
      (least, total) => Math.min(least, total),
      Infinity,
    );
    // Most often there are none: only these are put in order, of members that may be thousands.
    const heaviestFirst = [...totals].filter(([, total]) => total - lightest >= 2)
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const passed = heaviestFirst.some(([member]) =>
      !stuck.has(member) && passOn(member, movable, totals, stuck)
    );
    if (passed) continue;
    if (isFresh) return;
    // Extras that were passed on since may have opened a path.
    stuck = new Set();
  }
}

interface Step {
  readonly from: string;
  readonly to: string;
  readonly plan: Plan;
}

/**
 * Passes one extra of this member on to one whose total is lower by at least two. `stuck`: members
 * from which earlier searches found no path.
 */
function passOn(
  heavy: string,
  plans: readonly Plan[],
  totals: Map<string, number>,
  stuck: Set<string>,
): boolean {
  const limit = (totals.get(heavy) ?? 0) - 2;
  const reached = new Map<string, Step | undefined>([[heavy, undefined]]);
  const queue = [heavy];
  for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
    for (const plan of plans) {
      if (!plan.withExtra.has(from)) continue;
      for (const to of plan.topic.members) {
        if (reached.has(to) || stuck.has(to) || plan.withExtra.has(to)) continue;
        reached.set(to, { from, to, plan });
        if ((totals.get(to) ?? 0) <= limit) return passAlong(to, reached, totals);
        queue.push(to);
      }
    }
  }
  for (const member of reached.keys()) stuck.add(member);
  return false;
}

function passAlong(
  light: string,
  reached: ReadonlyMap<string, Step | undefined>,
  totals: Map<string, number>,
): true {
  totals.set(light, (totals.get(light) ?? 0) + 1);
  let heavy = light;
  for (let step = reached.get(light); step; step = reached.get(step.from)) {
    step.plan.withExtra.delete(step.from);
    step.plan.withExtra.add(step.to);
    heavy = step.from;
  }
  totals.set(heavy, (totals.get(heavy) ?? 0) - 1);
  return true;
}

/** Everyone keeps what its quota allows; the rest goes where there is room. */
function distribute({ topic, least, withExtra }: Plan): (string | undefined)[] {
  const room = new Map(topic.members.map((member) => [
    member,
    least + (withExtra.has(member) ? 1 : 0),
  ]));
  const kept = topic.owners.map((owner) => {
    const left = owner === undefined ? 0 : room.get(owner) ?? 0;
    if (owner === undefined || left === 0) return undefined;
    room.set(owner, left - 1);
    return owner;
  });
  const takers = [...room].flatMap(([member, left]) => new Array<string>(left).fill(member));
  let next = 0;
  return kept.map((owner) => owner ?? takers[next++]);
}
