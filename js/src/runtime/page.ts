/** The script of a saved page: what `nnwidgets/export/page.py` wrote into it, shown in its sections. */

import { PageHost, type Saved } from "./page_host";

const page = JSON.parse(document.getElementById("nnwidgets-page")?.textContent ?? "") as Saved;
const host = new PageHost(page, (model) => {
  const script = document.querySelector(`script[data-answers="${model}"]`);
  return script === null ? undefined : JSON.parse(script.textContent ?? "");
});
void host.show([...document.querySelectorAll<HTMLElement>("main > section")]);
