import { assertEquals } from "@std/assert";
import { GatewayApi } from "../../src/demo/gateway_api.ts";
import { Gateway } from "../support/gateway.ts";
import { call, fresh, makeTopic } from "../support/http.ts";

Deno.test("the lag of a group is that of this run, whatever an earlier one left behind", async () => {
  await using gateway = await Gateway.start();
  const [earlier, now] = [await makeTopic(gateway, 1), await makeTopic(gateway, 1)];
  const group = fresh("group");
  const api = new GatewayApi(gateway.origin);
  const begin = (topic: string) =>
    call(gateway, "PUT", `/v1/groups/${group}/offsets`, { topics: [topic], to: "earliest" });
  const publish = (topic: string, ...values: number[]) => {
    const records = values.map((value) => ({ value }));
    return call(gateway, "POST", `/v1/topics/${topic}/records`, { records });
  };
  await begin(earlier);
  await publish(earlier, 1, 2, 3);
  assertEquals(await api.lag({ group, topics: [now] }), undefined);
  await begin(now);
  await publish(now, 1);
  assertEquals(await api.lag({ group, topics: [now] }), 1);
});
