import { assert, assertEquals } from "@std/assert";
import { sleep } from "../../src/host/host.ts";
import { World } from "./world.ts";

Deno.test("what is due happens in the order of time, and at its time", async () => {
  const world = new World(1);
  const happened: number[] = [];
  for (const ms of [30, 10, 20, 10.5, 0, -5]) world.after(ms, () => happened.push(world.now));
  await world.run(15);
  assertEquals(happened, [0, 0, 10, 10.5]);
  assertEquals(world.now, 15);
  await world.run(100);
  assertEquals(happened, [0, 0, 10, 10.5, 20, 30]);
});

Deno.test("what falls due together happens in an order of the seed's own", async () => {
  const order = async (seed: number) => {
    const world = new World(seed);
    const happened: number[] = [];
    for (let i = 0; i < 10; i++) world.after(5, () => happened.push(i));
    await world.run(5);
    return happened;
  };
  assertEquals(await order(3), await order(3));
  assert((await order(3)).join() !== (await order(4)).join());
  assertEquals((await order(3)).toSorted(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("promises settle before the next thing happens, however long their chain is", async () => {
  const world = new World(1);
  const happened: string[] = [];
  world.after(1, async () => {
    for (let i = 0; i < 100; i++) await undefined;
    happened.push("end of the first");
  });
  world.after(1.001, () => happened.push("second"));
  await world.run(2);
  assertEquals(happened, ["end of the first", "second"]);
});

Deno.test("what is cancelled does not happen, also by something of the same time", async () => {
  const world = new World(1);
  let happened = 0;
  const cancels = Array.from({ length: 8 }, () =>
    world.after(5, () => {
      happened++;
      for (const cancel of cancels) cancel();
    }));
  await world.run(10);
  assertEquals(happened, 1);
});

Deno.test("a time that is too short to be added to the clock passes nevertheless", async () => {
  const world = new World(1);
  let tries = 0;
  world.after(33_716.00891778346, () => {
    const due = world.now + 1e-11;
    const wait = () => ++tries < 100 && world.now < due && world.after(due - world.now, wait);
    wait();
    const late = world.now;
    world.after(1e-12, () => assert(world.now > late));
  });
  await world.run(40_000);
  assert(tries < 10, `${tries} tries`);
});

Deno.test("any number of events leave the queue in order", async () => {
  const world = new World(9);
  const times: number[] = [];
  const spread = () => {
    times.push(world.now);
    if (times.length < 500) {
      for (let i = 0; i < 3; i++) world.after(world.between(0, 50), spread);
    }
  };
  spread();
  await world.run(10_000);
  assert(times.length > 500);
  assertEquals(times, times.toSorted((a, b) => a - b));
});

Deno.test("the hash stands for what was traced, and when", async () => {
  const hash = async (ms: number, text: string) => {
    const world = new World(1);
    world.after(ms, () => world.trace(text));
    await world.run(10);
    return world.hash;
  };
  assertEquals(await hash(1, "a"), await hash(1, "a"));
  assertEquals(new Set([await hash(1, "a"), await hash(2, "a"), await hash(1, "b")]).size, 3);
});

Deno.test("a host lives in its world, and what is dead does nothing more", async () => {
  const world = new World(1);
  const reports: string[] = [];
  let dead = false;
  const inhabitant = {
    act: (run: () => void) => dead || run(),
    wallClockErrorMs: 0,
    stoodStillMs: 0,
  };
  const host = world.host(inhabitant, (message) => reports.push(message));
  const begun = host.clock.now();
  let woken = 0;
  sleep(host.clock, 1_000).then(() => woken = host.clock.now() - begun);
  host.clock.after(2_000, () => reports.push("risen"));
  await world.run(1_500);
  assertEquals([woken, host.clock.monotonic()], [1_000, 1_500]);
  host.telemetry.report("error", "A bug", { n: 1 });
  dead = true;
  await world.run(3_000);
  assertEquals(reports, ['A bug: {"n":1}']);
  assertEquals(host.random.bytes(3).length, 3);
});
