// Every text that is seen, with its contrast (WCAG 2.1) to what is painted behind it; and every fault of access.
() => {
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || (colour.length === 4 && colour[3] === 1)) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const seen = (element) => element.checkVisibility && element.checkVisibility();
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!words || !seen(element) || ["SCRIPT", "NOSCRIPT", "TITLE", "title"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const isDrawn = element instanceof SVGElement;
    const front = parse(isDrawn ? style.fill : style.color).slice(0, 3);
    const back = isDrawn ? parse(style.stroke).slice(0, 3) : behind(element);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    texts.push({ words, contrast: (a + 0.05) / (b + 0.05), size: parseFloat(style.fontSize),
      isMain: !element.closest(".more, header .link, i, .mood, .seen, .key") });
  }
  const faults = [];
  if (!document.documentElement.lang) faults.push("the page has no lang");
  if (!document.title) faults.push("the page has no title");
  const controls = document.querySelectorAll("a, button, input:not([type=hidden]), textarea, summary, audio");
  for (const control of controls) {
    if (!seen(control)) continue;
    const name = control.getAttribute("aria-label") || control.innerText ||
      [...(control.labels || [])].map((one) => one.innerText).join(" ") || control.querySelector("img")?.alt || "";
    const told = control.outerHTML.slice(0, 120);
    if (!name.trim()) faults.push(`no name: ${told}`);
    const box = (control.closest(".choices label") || control).getBoundingClientRect();
    if (box.height < 47.5 || box.width < 47.5) faults.push(`too small (${box.width}x${box.height}): ${told}`);
  }
  for (const image of document.querySelectorAll("img")) if (!image.alt) faults.push("a picture without words");
  for (const drawing of document.querySelectorAll("svg")) {
    if (drawing.getAttribute("aria-hidden") !== "true" && !drawing.getAttribute("aria-label")) faults.push("a drawing without words");
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`id twice: ${id}`);
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`wider than the screen: ${document.documentElement.scrollWidth}`);
  return { texts, faults };
}
