import { assertEquals, assertThrows } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { addressOf, Crowd } from "../../src/server/crowd.ts";
import { testHost } from "../support/test_host.ts";

function fixture(more: { sockets?: number; perAddress?: number; newSockets?: number } = {}) {
  const { sockets = 1_000, perAddress = 1_000, newSockets = 1_000 } = more;
  const host = testHost();
  const strangers = { socketsPerAddress: perAddress, newSockets };
  const crowd = new Crowd(host.clock, { sockets, strangers });
  const refused = (address: string) => {
    const { code, detail } = assertThrows(() => crowd.enter(address), GatewayError);
    return [code, detail.retryAfterMs];
  };
  return { host, crowd, refused };
}

Deno.test("a gateway takes a limited number of sockets, and another one for each that is closed", () => {
  const { crowd, refused } = fixture({ sockets: 2 });
  const leave = crowd.enter("192.0.2.1");
  crowd.enter("127.0.0.1");
  assertEquals(refused("192.0.2.2"), ["overloaded", 5_000]);
  assertEquals(refused("127.0.0.1"), ["overloaded", 5_000]);
  leave();
  crowd.enter("192.0.2.2");
  assertEquals(crowd.size, 2);
});

Deno.test("an address has a limited number of sockets, loopback has no limit", () => {
  const { crowd, refused } = fixture({ perAddress: 2 });
  const leave = crowd.enter("192.0.2.1");
  crowd.enter("::ffff:192.0.2.1");
  assertEquals(refused("192.0.2.1"), ["rate_limited", 5_000]);
  crowd.enter("192.0.2.2");
  leave();
  crowd.enter("192.0.2.1");
  for (const own of ["127.0.0.1", "::1", "::ffff:127.1.2.3"]) {
    for (let i = 0; i < 5; i++) crowd.enter(own);
  }
});

Deno.test("IPv6 addresses count by their /64 prefix", () => {
  const { crowd, refused } = fixture({ perAddress: 2 });
  crowd.enter("2001:db8:1:2::1");
  crowd.enter("2001:db8:1:2:ffff::9");
  assertEquals(refused("2001:db8:1:2:3:4:5:6"), ["rate_limited", 5_000]);
  crowd.enter("2001:db8:1:3::1");
  crowd.enter("2001:db8::1");
});

Deno.test("one address cannot use up the others' share by opening and closing sockets", async () => {
  const { host, crowd, refused } = fixture();
  for (let i = 0; i < 40; i++) crowd.enter("192.0.2.1")();
  const [code, retryAfterMs] = refused("192.0.2.1");
  assertEquals([code, Number(retryAfterMs) > 0], ["rate_limited", true]);
  crowd.enter("192.0.2.2")();
  await host.clock.advance(Number(retryAfterMs));
  crowd.enter("192.0.2.1")();
});

Deno.test("all addresses together open a limited number of sockets per second", async () => {
  const { host, crowd, refused } = fixture({ newSockets: 10 });
  for (let i = 0; i < 20; i++) crowd.enter(`192.0.2.${i}`)();
  const [code, retryAfterMs] = refused("198.51.100.1");
  assertEquals(code, "overloaded");
  crowd.enter("127.0.0.1")();
  await host.clock.advance(Number(retryAfterMs));
  crowd.enter("198.51.100.1")();
});

Deno.test("without tokens only the limit of the whole gateway applies", () => {
  const crowd = new Crowd(testHost().clock, { sockets: 100, strangers: undefined });
  for (let i = 0; i < 100; i++) crowd.enter("192.0.2.1");
  assertThrows(() => crowd.enter("192.0.2.1"), GatewayError);
});

Deno.test("addresses without sockets are forgotten, those with sockets are not", async () => {
  const { host, crowd, refused } = fixture({
    sockets: 100_000,
    perAddress: 1,
    newSockets: 1_000_000,
  });
  crowd.enter("192.0.2.1");
  for (let i = 0; i < 30_000; i++) {
    if (i % 1_000 === 0) await host.clock.advance(100);
    crowd.enter(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)();
  }
  assertEquals(refused("192.0.2.1"), ["rate_limited", 5_000]);
});

const peer = "192.0.2.9";
const addresses: readonly [forwarded: string | undefined, proxies: number, address: string][] = [
  [undefined, 0, peer],
  ["1.1.1.1", 0, peer],
  ["1.1.1.1", 1, "1.1.1.1"],
  ["9.9.9.9, 1.1.1.1", 1, "1.1.1.1"],
  ["9.9.9.9, 1.1.1.1 ,2.2.2.2", 2, "1.1.1.1"],
  ["1.1.1.1", 2, peer],
  [undefined, 1, peer],
  ["", 1, peer],
  ["1.1.1.1:50123", 1, "1.1.1.1"],
  ["[2001:db8::1]:443", 1, "2001:db8::1"],
  ["2001:db8::1", 1, "2001:db8::1"],
];

for (const [forwarded, proxies, address] of addresses) {
  Deno.test(`with ${proxies} trusted proxies and "${forwarded}" it is ${address}`, () => {
    assertEquals(addressOf(peer, forwarded, proxies), address);
  });
}
