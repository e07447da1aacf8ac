import { assertEquals, assertThrows } from "@std/assert";
import { storePaths } from "../../src/cli/store_folder.ts";
import { StartRefused } from "../../src/config.ts";

Deno.test("the gateway is to have the folder of its store, and no folder above it", () => {
  const cases: readonly [store: string, paths: string][] = [
    ["data/weir.kv", "data"],
    ["/var/lib/weir data/weir.kv", "/var/lib/weir data"],
    // Nobody gives away the folder that the program is in, or all that there is.
    ["weir.kv", "weir.kv,weir.kv.lock"],
    ["/weir.kv", "/weir.kv,/weir.kv.lock"],
    [":memory:", "data"],
    ["https://kv.example/", "data"],
  ];
  for (const [store, paths] of cases) assertEquals(storePaths(store), paths, store);
});

Deno.test("a path that a permission cannot name is refused", () => {
  assertThrows(() => storePaths("a,/etc/weir.kv"), StartRefused, "comma");
});
