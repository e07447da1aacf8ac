/** HTTP of a whole gateway, for what takes more than one file to get right. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { HTTP } from "../../src/limits.ts";
import { Gateway } from "../support/gateway.ts";
import { call, json, makeTopic } from "../support/http.ts";
import { exchange, RawConnection } from "../support/raw_http.ts";

const shared = Gateway.shared();

Deno.test("a body over the limit is 413, whether it says so or not, and the next request is fine", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const path = `/v1/topics/${topic}/records`;
  const large = "x".repeat(HTTP.bodyBytes + 1);
  const announced = await call(shared.gateway, "POST", path, large);
  assertEquals([announced.status, JSON.parse(announced.text).code], [413, "batch_too_large"]);
  const chunked = await fetch(shared.gateway.origin + path, {
    method: "POST",
    body: new Blob([large]).stream(),
  });
  assertEquals([chunked.status, (await chunked.json()).code], [413, "batch_too_large"]);
  await json(shared.gateway, "POST", path, { records: [{ value: 1 }] });
});

Deno.test("a body without an end holds up nobody, and ends with its connection", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const half = new RawConnection(shared.gateway.origin);
  half.send(
    `POST /v1/topics/${topic}/records HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"rec`,
  );
  await json(shared.gateway, "POST", `/v1/topics/${topic}/records`, { records: [{ value: 1 }] });
  await half.close();
  assertEquals((await call(shared.gateway, "GET", "/healthz")).status, 200);
});

Deno.test("the path of the sockets asks for an upgrade", async () => {
  const plain = await call(shared.gateway, "GET", "/v1/connect");
  assertEquals([plain.status, JSON.parse(plain.text).code], [400, "invalid_frame"]);
  assertEquals((await call(shared.gateway, "POST", "/v1/connect", {})).status, 405);
});

Deno.test("two Hosts, a foreign one or none are refused", async () => {
  const requests: [string, RegExp][] = [
    ["Host: localhost\r\nHost: evil.example\r\n", /^HTTP\/1.1 40[03] /],
    ["Host: evil.example\r\n", /^HTTP\/1.1 403 /],
    ["", /^HTTP\/1.1 400 /],
  ];
  for (const [headers, expected] of requests) {
    const request = `GET /healthz HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`;
    assertMatch(await exchange(shared.gateway.origin, request), expected, headers);
  }
});

Deno.test("every kind of record is read as it was published", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const records =
    '[{"key":"a\\"\\u0001ü","value":{"n":1.50e0,"s":"\\ud800"},"headers":{"h":"\\n"},"timestamp":5},' +
    '{"value":"AAECAw==","encoding":"base64"},{"key":"","value":null}]';
  await json(shared.gateway, "POST", `/v1/topics/${topic}/records`, `{"records":${records}}`);
  const { text } = await call(
    shared.gateway,
    "GET",
    `/v1/topics/${topic}/partitions/0/records`,
  );
  assertStringIncludes(
    text,
    '{"offset":0,"timestamp":5,"key":"a\\"\\u0001ü","value":{"n":1.50e0,"s":"\\ud800"},"headers":{"h":"\\n"}}',
  );
  assertMatch(text, /\{"offset":1,"timestamp":\d+,"value":"AAECAw==","encoding":"base64"\}/);
  assertMatch(text, /\{"offset":2,"timestamp":\d+,"key":"","value":null\}\],"next":3\}$/);
});

Deno.test("pages of a partition join without a gap, over many appends", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  for (let batch = 0; batch < 5; batch++) {
    const records = Array.from({ length: 7 }, (_, i) => ({ value: batch * 7 + i }));
    await json(shared.gateway, "POST", `/v1/topics/${topic}/records`, { records });
  }
  const values: number[] = [];
  for (let offset = 0; offset < 35;) {
    const page = await json<{ records: { offset: number; value: number }[]; next: number }>(
      shared.gateway,
      "GET",
      `/v1/topics/${topic}/partitions/0/records?offset=${offset}&limit=4`,
    );
    assertEquals(page.next, offset + page.records.length);
    assertEquals(page.records[0]?.offset, offset);
    values.push(...page.records.map(({ value }) => value));
    offset = page.next;
  }
  assertEquals(values, Array.from({ length: 35 }, (_, value) => value));
});

Deno.test("metrics have gauges and counters", async () => {
  const { text } = await call(shared.gateway, "GET", "/metrics");
  for (const name of ["sessions", "topics", "resident_bytes"]) {
    assertMatch(text, new RegExp(`^# TYPE weir_${name} gauge\\nweir_${name} \\d+$`, "m"));
  }
  assertMatch(text, /^weir_http_requests_total \d+$/m);
});
