import { assertEquals } from "@std/assert";
import type { Feed } from "../../src/fanout/feed.ts";
import { EventStream } from "../../src/server/event_stream.ts";

/** A stream that a test can end, and how often its `ended` was called. */
function fixture() {
  let ended = 0;
  let end = () => {};
  const stream = new EventStream({
    opening: "id: 1\n\n",
    leaving: new AbortController().signal,
    expiresAt: undefined,
    ended: () => ended++,
    open(_, over) {
      end = over;
      return { close() {}, resume() {} } as unknown as Feed;
    },
  });
  const reader = stream.body.getReader();
  return { reader, end: () => end(), ended: () => ended };
}

Deno.test("a stream that has ended counts until its reader has read the end", async () => {
  const { reader, end, ended } = fixture();
  await reader.read();
  end();
  assertEquals(ended(), 0, "nobody has read its end");
  assertEquals((await reader.read()).done, true);
  assertEquals(ended(), 1);
});

Deno.test("a stream that ends while its reader waits no longer counts at once", async () => {
  const { reader, end, ended } = fixture();
  await reader.read();
  const next = reader.read();
  end();
  assertEquals([(await next).done, ended()], [true, 1]);
});

Deno.test("a stream whose reader is gone no longer counts, ended or not", async () => {
  for (const endsBefore of [false, true]) {
    const { reader, end, ended } = fixture();
    await reader.read();
    if (endsBefore) end();
    await reader.cancel();
    assertEquals(ended(), 1);
  }
});
