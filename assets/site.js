// Search among the entries of an exported site. `library` comes from the file beside this one.
"use strict";
(() => {
  /* global library */
  // How much of a score is the share of the question that an entry has anywhere; the rest is how much the question is
  // like those of its names that are nearest, on average.
  const SHARE = 0.4;
  const NEAREST = 8;
  const HITS = 20;
  // Pairs of these characters ask, but say little about what.
  const FUNCTION = /^[的了吗呢啊我你您他能可以要是不有没怎么什在和给把被到个这那就都也还会去来做办请问想]+$/;

  const fold = (text) => text.normalize("NFKC").toLowerCase();
  const isLatin = (character) => /[a-z0-9]/.test(character ?? "");

  const groups = new Map();
  library.same.forEach((words, at) => {
    for (const word of words.map(fold)) if (word.length > 1 && !groups.has(word)) groups.set(word, `#${at}`);
  });
  const longest = Math.max(0, ...[...groups.keys()].map((word) => word.length));

  // The groups of synonyms that a text names, the longest word at each place.
  const named = (text) => {
    const found = [];
    for (let at = 0; at < text.length; at++) {
      for (let end = Math.min(at + longest, text.length); end > at + 1; end--) {
        const group = groups.get(text.slice(at, end));
        const inside = (isLatin(text[at]) && isLatin(text[at - 1])) || (isLatin(text[end - 1]) && isLatin(text[end]));
        if (!group || inside) continue;
        found.push(group);
        at = end - 1;
        break;
      }
    }
    return found;
  };

  // Latin words, Chinese characters, pairs of them, and groups of synonyms.
  const tokens = (text) => {
    const folded = fold(text);
    const found = new Set(named(folded));
    for (const run of folded.match(/[a-z0-9]+|[\u3400-\u9fff]+/g) ?? []) {
      if (isLatin(run[0])) { found.add(run); continue; }
      for (let at = 0; at < run.length; at++) {
        found.add(run[at]);
        if (at + 1 < run.length) found.add(run.slice(at, at + 2));
      }
    }
    return found;
  };

  const entries = library.entries.map(([title, url, say, asks]) => {
    const names = [title, ...asks].map((name) => ({ tokens: tokens(name) }));
    return { title, url, say, names, tokens: new Set([...tokens(say), ...names.flatMap((name) => [...name.tokens])]) };
  });
  const having = new Map();
  for (const entry of entries) for (const token of entry.tokens) having.set(token, (having.get(token) ?? 0) + 1);

  // The inverse document frequency of BM25, with fifty entries more that have nothing.
  const weigh = (token) => {
    const count = having.get(token) ?? 0;
    const rarity = Math.log(1 + (entries.length + 50 - count + 0.5) / (count + 0.5));
    const scale = token[0] === "#" ? 2 : token.length === 1 && !isLatin(token) ? 0.3 : 1;
    return rarity * scale * (FUNCTION.test(token) ? 0.3 : 1);
  };
  const weight = (all) => [...all].reduce((sum, token) => sum + weigh(token), 0);
  for (const name of entries.flatMap((entry) => entry.names)) name.weight = weight(name.tokens);

  // The best entries for a question, best first.
  const search = (question) => {
    const asked = [...tokens(question)].map((token) => [token, weigh(token)]);
    const all = asked.reduce((sum, [, value]) => sum + value, 0);
    const shared = (other) => asked.reduce((sum, [token, value]) => sum + (other.has(token) ? value : 0), 0);
    if (all === 0) return [];
    const scored = entries.map((entry) => {
      const likes = entry.names.map((name) => (2 * shared(name.tokens)) / (all + name.weight));
      const nearest = likes.sort((a, b) => b - a).slice(0, NEAREST);
      const likeness = nearest.reduce((sum, like) => sum + like, 0) / nearest.length;
      return { entry, score: SHARE * (shared(entry.tokens) / all) + (1 - SHARE) * likeness };
    });
    return scored.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score).slice(0, HITS).map(({ entry }) => entry);
  };

  const list = document.getElementById("hits");
  const question = new URLSearchParams(location.search).get("q")?.trim() ?? "";
  const show = (hits) => {
    list.replaceChildren(...hits.map((hit) => {
      const line = document.createElement("li");
      const link = document.createElement("a");
      const say = document.createElement("p");
      link.href = hit.url;
      link.textContent = hit.title;
      say.textContent = hit.say;
      line.append(link, say);
      return line;
    }));
  };
  const answer = (question) => {
    const hits = search(question);
    document.getElementById("found").textContent =
      question === "" ? "查找条目" : hits.length ? `和“${question}”字面最像的条目` : `没有条目和“${question}”有相同的字`;
    show(hits);
  };
  if (question) document.title = `${question} · ${document.title}`;
  answer(question);
  const input = document.querySelector("input[name=q]");
  if (question) input.value = question;
  input.addEventListener("input", (event) => { if (!event.isComposing) answer(input.value.trim()); });
})();
