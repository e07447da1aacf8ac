/** A small storm, and what it counts with. */

import { assert, assertEquals } from "@std/assert";
import { denokvTest } from "../support/denokv.ts";
import { Figures, mostPerSecond } from "./figures.ts";
import { Tally } from "./follower.ts";
import { noNews } from "./news.ts";
import { storm } from "./storm.ts";

denokvTest(
  "a rolling restart of three gateways loses nothing, and all 150 clients are back",
  async () => {
    const printed: string[] = [];
    const { rows, publishing } = await storm({
      clients: 150,
      gateways: 3,
      seed: 1,
      drainMs: 2_000,
      calmMs: 300,
      recordsPerSecond: 100,
      kills: false,
      print: (line) => printed.push(line),
    });
    assertEquals(printed.at(-1), "storm: 150 clients, 3 restarts, lost 0, doubled 0");
    assertEquals(rows.map(({ deed }) => deed), ["none", "SIGTERM", "SIGTERM", "SIGTERM"]);
    for (const { clients, connections, back } of rows.slice(1)) {
      assert(clients > 0, "a gateway that was restarted had no clients");
      assert(connections >= clients, `${connections} connections brought ${clients} clients back`);
      assert(back.all !== undefined, "a client is not back");
    }
    assert(publishing.acknowledged > 0, "nothing was published");
    assertEquals(publishing.refused, 0);
  },
);

Deno.test("a record that comes again does not count, and one that is left out never does", () => {
  const tally = new Tally();
  assertEquals([0, 1, 1, 4, 3, 5].map((number) => tally.take(number)), [
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
});

Deno.test("who was at a gateway is back when it follows again, whoever else does", () => {
  const figures = new Figures();
  figures.hear({ ...noNews(), stood: [[0, 1, 81, 0], [0, 2, 81, 0], [0, 3, 82, 0]] });
  const restart = figures.begin("SIGTERM", [81], 1_000);
  figures.hear({ ...noNews(), stood: [[1_400, 1, 82, 100], [1_500, 3, 82, 100]] });
  assert(!restart.allAreBack);
  figures.hear({ ...noNews(), stood: [[1_900, 2, 82, 700], [2_500, 1, 82, 100]] });
  assert(restart.allAreBack);
  const { clients, back, away } = restart.row({ one: 0, all: 0 });
  assertEquals({ clients, back, away }, {
    clients: 2,
    back: { half: 400, most: 900, all: 900 },
    away: 700,
  });
});

Deno.test("the most connections in a second are found wherever the second begins", () => {
  assertEquals(
    mostPerSecond([[0, 81], [900, 81], [1_000, 82], [1_500, 81], [1_899, 82], [2_100, 81]]),
    { all: 4, one: 2 },
  );
});
