// Takes the machine's clock and chance away, adds the console, and returns the tools of a call. What it uses later it
// holds on to, so that code which changes built-in objects changes nothing here.
(function (now, low, high, print) {
  "use strict";
  const { stringify } = JSON;
  const { imul } = Math;
  const TypeErrorNow = TypeError;

  const RealDate = Date;
  const FixedDate = function Date(...parts) {
    if (new.target === undefined) return new RealDate(now).toString();
    return Reflect.construct(RealDate, parts.length === 0 ? [now] : parts, new.target);
  };
  Object.defineProperty(FixedDate, "length", { value: 7 });
  Object.defineProperty(FixedDate, "prototype", { value: RealDate.prototype, writable: false });
  Object.defineProperty(RealDate.prototype, "constructor", { value: FixedDate, writable: true, configurable: true });
  const own = (name, value) =>
    Object.defineProperty(FixedDate, name, { value, writable: true, configurable: true, enumerable: false });
  own("now", () => now);
  own("parse", RealDate.parse);
  own("UTC", RealDate.UTC);
  const put = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  put("Date", FixedDate);
  delete globalThis.performance;

  // xoshiro128** over a state that splitmix32 fills (Blackman and Vigna, 2018).
  let fill = (low ^ imul(high, 0x9e3779b9)) | 0;
  const next = (mix) => {
    fill = (fill + 0x9e3779b9) | 0;
    let it = fill ^ mix;
    it = imul(it ^ (it >>> 16), 0x21f0aaad);
    it = imul(it ^ (it >>> 15), 0x735a2d97);
    return (it ^ (it >>> 15)) | 0;
  };
  let a = next(low), b = next(high), c = next(low), d = next(high) | 1;
  const rotate = (it, by) => (it << by) | (it >>> (32 - by));
  const draw = () => {
    const result = imul(rotate(imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a; d ^= b; b ^= c; a ^= d; c ^= shifted; d = rotate(d, 11);
    return result;
  };
  Object.defineProperty(Math, "random", {
    value: function random() { return ((draw() >>> 5) * 67108864 + (draw() >>> 6)) / 9007199254740992; },
    writable: true, configurable: true, enumerable: false,
  });

  const show = (it) => {
    if (typeof it === "string") return it;
    try {
      if (it instanceof Error) return `${it.name}: ${it.message}`;
      if (typeof it === "object" && it !== null) return stringify(it) ?? String(it);
      return String(it);
    } catch {
      return "[something that cannot be shown]";
    }
  };
  const say = (error) => (...parts) => {
    let text = "";
    for (let at = 0; at < parts.length; at += 1) text += (at > 0 ? " " : "") + show(parts[at]);
    print(error, text);
  };
  put("console", Object.freeze({
    log: say(false), info: say(false), debug: say(false), warn: say(true), error: say(true), trace: say(true),
  }));

  const plain = (name, value) => {
    const type = typeof value;
    if (type === "function" || type === "symbol" || type === "bigint") {
      throw new TypeErrorNow(`the result holds a ${type}${name === "" ? "" : ` in "${name}"`}, which JSON cannot have`);
    }
    return value;
  };
  return {
    run: async (call, args) => stringify((await call(args)) ?? null, plain) ?? "null",
  };
});
