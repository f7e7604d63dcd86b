// Whether a history of reads and writes of one register is linearizable (the search of Wing and Gong, with Lowe's memory
// of what was tried). Operations: { kind: 'read' | 'write', value, begin, end }; a write that never ended (end: Infinity)
// took effect at any time after its begin, or not at all. The register starts as null. Values of writes are unique, but
// null.

export function linearizable(history) {
    const readers = new Map(); // value -> how many reads of it are left
    for (const { kind, value, end } of history) if (kind === 'read' && end !== Infinity) readers.set(value, (readers.get(value) ?? 0) + 1);
    // What nobody was told of and nobody saw took effect or not, as is convenient.
    const operations = history.filter(({ kind, value, end }) => end !== Infinity || (kind === 'write' && readers.has(value))).sort((a, b) => a.begin - b.begin);
    const done = new Array(operations.length).fill(false);
    const tried = new Set();
    let first = 0; // the first that is not done
    let top = 0; // behind the last that was ever done
    let left = operations.filter((operation) => operation.end !== Infinity).length;

    const fingerprint = (state) => {
        let text = `${first}|${state}|`;
        for (let i = first; i < top; ++i) if (done[i]) text += `${i},`;
        return text;
    };
    // An explicit stack: histories are long.
    const candidatesOf = (state) => {
        const found = [];
        let horizon = Infinity; // nothing that began after another's end goes before it
        for (let i = first; i < operations.length && operations[i].begin <= horizon; ++i) {
            if (done[i]) continue;
            const { kind, value, end } = operations[i];
            horizon = Math.min(horizon, end);
            if (kind === 'read' ? value === state : end !== Infinity || readers.get(value) > 0) found.push(i);
        }
        return found.filter((i) => operations[i].begin <= horizon)
            .sort((a, b) => (operations[a].kind === 'read' ? 0 : 1) - (operations[b].kind === 'read' ? 0 : 1) || operations[a].end - operations[b].end);
    };
    const stack = [{ state: null, candidates: candidatesOf(null), at: 0, taken: -1 }];
    while (left > 0) {
        const frame = stack.at(-1);
        if (frame.taken >= 0) { // what was tried last led nowhere
            const operation = operations[frame.taken];
            done[frame.taken] = false;
            if (operation.end !== Infinity) left += 1;
            if (operation.kind === 'read') readers.set(operation.value, readers.get(operation.value) + 1);
            first = Math.min(first, frame.taken);
            frame.taken = -1;
        }
        if (frame.at === frame.candidates.length) {
            stack.pop();
            if (stack.length === 0) return false;
            continue;
        }
        const i = frame.candidates[frame.at++];
        const operation = operations[i];
        frame.taken = i;
        done[i] = true;
        top = Math.max(top, i + 1);
        if (operation.end !== Infinity) left -= 1;
        if (operation.kind === 'read') readers.set(operation.value, readers.get(operation.value) - 1);
        while (first < operations.length && done[first]) first += 1;
        const state = operation.kind === 'write' ? operation.value : frame.state;
        const mark = fingerprint(state);
        if (tried.has(mark)) continue;
        tried.add(mark);
        stack.push({ state, candidates: candidatesOf(state), at: 0, taken: -1 });
    }
    return true;
}
