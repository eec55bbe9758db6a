// The copy button of a console takes its commands, without prompts and without what they printed.
{
    const everything = window.playground_text;
    window.playground_text = function (block, hidden = true) {
        const code = block.querySelector('code.console');
        if (!code) {
            return everything(block, hidden);
        }
        const commands = Array.from(code.querySelectorAll('b'), line => line.textContent.slice(2));
        return commands.join('\n') + '\n';
    };
}

// mdBook's search knows words between blanks, and Chinese has none: there it looks for the very characters.
if (window.elasticlunr) {
    const load = elasticlunr.Index.load;
    elasticlunr.Index.load = function (data) {
        const index = load.call(this, data);
        const by_words = index.search;
        index.search = function (text, options) {
            if (!/[\u2e80-\u9fff\uf900-\uffef]/.test(text)) {
                return by_words.call(index, text, options);
            }
            const terms = text.toLowerCase().split(/\s+/).filter(term => term !== '');
            const found = [];
            for (const [ref, doc] of Object.entries(index.documentStore.docs)) {
                const title = doc.title.toLowerCase();
                const body = doc.body.toLowerCase();
                if (!terms.every(term => title.includes(term) || body.includes(term))) {
                    continue;
                }
                const times = terms.map(term => body.split(term).length - 1 + (title.includes(term) ? 100 : 0));
                const first = Math.max(0, body.indexOf(terms[0]) - 40);
                const excerpt = (first > 0 ? '…' : '') + doc.body.slice(first, first + 120);
                found.push({ ref, doc: { ...doc, body: excerpt }, score: times.reduce((a, b) => a + b, 0) });
            }
            return found.sort((a, b) => b.score - a.score || a.ref - b.ref);
        };
        return index;
    };
}
