/** The runtime: one for a kernel and page. Every widget's loader finds it and hands itself over to `mount`. */

import { AnswerCache } from "./cache";
import { listen, type Twin } from "./host";
import { fail, Mounter, type Mounting } from "./mount";

export default {
  initialize({ model, signal }: Twin) {
    const limit = (): number => model.get("cache_limit") as number;
    const cache = new AnswerCache(limit());
    listen(model, "change:cache_limit", signal, () => {
      cache.limit = limit();
    });
    const mounter = new Mounter(cache);
    return { mount: (mounting: Mounting) => mounter.mount(mounting).catch((error) => fail(mounting.el, error)) };
  },
};
