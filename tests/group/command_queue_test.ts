import { assertEquals } from "@std/assert";
import { CommandQueue } from "../../src/group/command_queue.ts";
import type { Member } from "../../src/group/state.ts";
import type { Command } from "../../src/group/transition.ts";
import { GROUP } from "../../src/limits.ts";

function joins(connection: string, instance?: string): Command {
  const member: Member = {
    id: connection,
    connection,
    gateway: "one",
    ...(instance === undefined ? {} : { instance }),
    topics: ["t"],
    from: "earliest",
    sessionTimeoutMs: 1_000,
    revokeTimeoutMs: 1_000,
    away: false,
    draining: false,
  };
  return { type: "join", member, topics: [] };
}

function leaves(connection: string): Command {
  return { type: "leave", connection };
}

function taken(queue: CommandQueue, now: number, most = 100, isWanted = () => true): string[] {
  return queue.take(most, now, isWanted).map(({ command }) =>
    command.type === "join" ? `join ${command.member.id}` : command.type
  );
}

const many = GROUP.returnsAtOnce + 2;

Deno.test("what needs no check of the write goes past those who come back under a name", () => {
  const queue = new CommandQueue();
  for (let i = 0; i < many; i++) queue.put(joins(`${i}`, `name ${i}`), 0);
  queue.put(leaves("x"), 0);
  queue.put(joins("y"), 0);
  const first = taken(queue, 0);
  assertEquals(first.slice(-2), ["leave", "join y"]);
  assertEquals(first.length, GROUP.returnsAtOnce + 2);
  assertEquals(taken(queue, 0), [`join ${many - 2}`, `join ${many - 1}`]);
  assertEquals(queue.isEmpty, true);
});

Deno.test("who comes too late or is gone takes nobody's place", () => {
  const queue = new CommandQueue();
  for (let i = 0; i < many; i++) queue.put(joins(`late ${i}`, `name ${i}`), 0);
  for (let i = 0; i < GROUP.returnsAtOnce; i++) queue.put(joins(`${i}`, `other ${i}`), 1);
  assertEquals(taken(queue, GROUP.joinMs + 1).length, many + GROUP.returnsAtOnce);
  for (let i = 0; i < many; i++) queue.put(joins(`gone ${i}`, `name ${i}`), 0);
  assertEquals(taken(queue, 0, 100, () => false).length, many);
});

Deno.test("no more is taken than a write takes, first come, first served", () => {
  const queue = new CommandQueue();
  for (let i = 0; i < 5; i++) queue.put(joins(`${i}`), 0);
  assertEquals(taken(queue, 0, 3), ["join 0", "join 1", "join 2"]);
  assertEquals(taken(queue, 0, 3), ["join 3", "join 4"]);
});
