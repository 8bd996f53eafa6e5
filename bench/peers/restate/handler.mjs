// The handler whose steps Restate records.
import { spawnSync } from "node:child_process";
import { createServer } from "node:http2";
import * as restate from "@restatedev/restate-sdk";

const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
const pipeline = ["seq 1 1000", "grep 7", "wc -l"];

const work = restate.service({
  name: "work",
  handlers: {
    chain: async (ctx, { size }) => {
      let value = 0;
      for (let i = 0; i < size; i++) value = await ctx.run(() => value + 1);
      return value;
    },
    fan: async (ctx, { size }) => {
      const tasks = Array.from({ length: size }, (_, n) => ctx.run(() => n + 1));
      return (await restate.RestatePromise.all(tasks)).reduce((sum, n) => sum + n, 0);
    },
    fibonacci: async (ctx, { size, n }) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += await ctx.run(() => fib(n));
      return sum;
    },
    pipeline: async (ctx) => {
      let text = "";
      for (const command of pipeline) {
        text = await ctx.run(() => spawnSync("sh", ["-c", command], { input: text, encoding: "utf8" }).stdout);
      }
      return Number(text);
    },
  },
});

const server = createServer(restate.createEndpointHandler({ services: [work] }));
server.listen(Number(process.env.HANDLER_PORT), "127.0.0.1");
