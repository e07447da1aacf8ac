import { MemoryStore } from "../../src/store/memory.ts";
import { storeContract } from "../contracts/store_contract.ts";

storeContract("memory", async () => {
  const store = new MemoryStore();
  return { store, close: async () => store.close() };
});
