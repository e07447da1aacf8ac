import { assertEquals } from "@std/assert";
import { CUT_BYTES, Link, type Weather } from "./link.ts";

const ASKED = "a request";
const ANSWER = "x".repeat(3 * CUT_BYTES);

/** What one end has got of a connection, and how that ended. */
async function heard(connection: Deno.Conn, bytes: number): Promise<string> {
  const buffer = new Uint8Array(1_000);
  let text = "";
  while (text.length < bytes) {
    const read = await connection.read(buffer).catch(unlessReset);
    if (read === "reset") return `${text}, reset`;
    if (read === null) return `${text}, closed`;
    text += new TextDecoder().decode(buffer.subarray(0, read));
  }
  return text;
}

function unlessReset(error: unknown): "reset" {
  if (error instanceof Deno.errors.ConnectionReset) return "reset";
  throw error;
}

async function say(connection: Deno.Conn, text: string): Promise<void> {
  await connection.write(new TextEncoder().encode(text));
}

/** Both ends of a connection over a link. */
async function withLink(
  run: (link: Link, near: Deno.Conn, far: Deno.Conn) => Promise<void>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const link = await Link.open(() => listener.addr.port, () => 0);
  try {
    using near = await Deno.connect({ hostname: "127.0.0.1", port: link.port });
    using far = await listener.accept();
    await run(link, near, far);
  } finally {
    link.close();
  }
}

/** What its ends get of a request and its answer: the far one, then the near one. */
const CASES: Readonly<Partial<Record<Weather, readonly [far: string, near: string]>>> = {
  fair: [ASKED, ANSWER],
  slow: [ASKED, ANSWER],
  refuse: [", reset", ", reset"],
  loseReplies: [ASKED, ", reset"],
  cutReplies: [ASKED, `${ANSWER.slice(0, CUT_BYTES)}, reset`],
};

for (const [weather, [atFar, atNear]] of Object.entries(CASES)) {
  Deno.test(`a request and its answer over a link that is ${weather}`, () =>
    withLink(async (link, near, far) => {
      link.weather = weather as Weather;
      await say(near, ASKED);
      assertEquals(await heard(far, ASKED.length), atFar);
      if (atFar === ASKED) await say(far, ANSWER);
      assertEquals(await heard(near, ANSWER.length), atNear);
    }));
}

Deno.test("what is sent into a black hole is lost, and the connection lasts", () =>
  withLink(async (link, near, far) => {
    const seen = Promise.withResolvers<void>();
    const blackhole = () => {
      seen.resolve();
      return "blackhole";
    };
    Object.defineProperty(link, "weather", { get: blackhole, configurable: true });
    await say(near, "lost");
    await seen.promise;
    Object.defineProperty(link, "weather", { value: "fair" });
    await say(near, ASKED);
    assertEquals(await heard(far, ASKED.length), ASKED);
  }));

Deno.test("a connection that is cut is reset at both ends", () =>
  withLink(async (link, near, far) => {
    await say(near, ASKED);
    await heard(far, ASKED.length);
    assertEquals([link.cutOne(), link.cutOne()], [true, false]);
    assertEquals(await Promise.all([heard(near, 1), heard(far, 1)]), [", reset", ", reset"]);
  }));

Deno.test("an end that closes is seen to close by the other", () =>
  withLink(async (_, near, far) => {
    await say(near, ASKED);
    near.closeWrite();
    assertEquals(await heard(far, 100), `${ASKED}, closed`);
  }));

Deno.test("where there is nowhere to go, a connection fails, or is reset at once", async () => {
  const link = await Link.open(() => undefined, () => 0);
  try {
    const near = await Deno.connect({ hostname: "127.0.0.1", port: link.port }).catch(unlessReset);
    if (near !== "reset") assertEquals(await heard(near, 1), ", reset");
    if (near !== "reset") near.close();
  } finally {
    link.close();
  }
});
