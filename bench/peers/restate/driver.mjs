// Calls the handler through Restate's ingress, and answers the lines of the measurement.
import { createInterface } from "node:readline";

async function call(handler, input) {
  const response = await fetch(`${process.env.INGRESS}/work/${handler}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

async function runs(size) {
  let left = size;
  let right = 0;
  const client = async () => {
    while (left-- > 0) if ((await call("chain", { size: 3 })) === 3) right += 1;
  };
  await Promise.all(Array.from({ length: 50 }, client));
  return right;
}

async function shell(size) {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += await call("pipeline", {});
  return sum;
}

const workloads = {
  chain: (size) => call("chain", { size }),
  fan: (size) => call("fan", { size }),
  runs,
  fib_light: (size) => call("fibonacci", { size, n: 10 }),
  fib_long: (size) => call("fibonacci", { size, n: 33 }),
  shell,
  rest: async () => null,
};

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [workload, size] = line.split(" ");
  const answer = await workloads[workload](Number(size)).then(
    (result) => ({ result }),
    (error) => ({ error: `${error.stack} ${error.cause ?? ""}` }),
  );
  console.log(JSON.stringify(answer));
}
