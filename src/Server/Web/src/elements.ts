/** The element of an id; the page is broken without it. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element '${id}'.`);
  return found as T;
}

/** Shows some elements and hides others. */
export function show(visible: boolean, ...elements: HTMLElement[]): void {
  for (const each of elements) each.hidden = !visible;
}
