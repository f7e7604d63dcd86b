// What a client knows of its own records: which it sent, and which were acknowledged to it.

export class Journal {
    // again: whether a record without an acknowledgement is sent again (QoS 1 and 2) or given up (everything else).
    constructor(writer, again) {
        this.writer = writer;
        this.again = again;
        this.acknowledged = []; // by number
        this.exposed = []; // by number: without acknowledgement while the server died, so it may be there twice
        this.open = new Set();
        this.acks = 0;
    }
    get sent() { return this.acknowledged.length; }
    next() {
        const number = this.acknowledged.length;
        this.acknowledged.push(false);
        this.exposed.push(false);
        this.open.add(number);
        return number;
    }
    acknowledge(number) {
        this.acknowledged[number] = true;
        this.open.delete(number);
        this.acks += 1;
    }
    giveUp(number) { this.open.delete(number); }
    serverDied() { for (const number of this.open) this.exposed[number] = true; }

    // Complaints about what was found; counts: number -> how often it was there. once: also what was sent again.
    judge(counts, place, { once = !this.again } = {}) {
        const complaints = [];
        for (let number = 0; number < this.sent; ++number) {
            const count = counts.get(number) ?? 0;
            if (this.acknowledged[number] && count === 0) complaints.push(`${place}: ${this.writer} ${number} was acknowledged and is missing`);
            if (count > 1 && (once || !this.exposed[number])) complaints.push(`${place}: ${this.writer} ${number} is there ${count} times`);
        }
        for (const number of counts.keys()) {
            if (!(number < this.sent)) complaints.push(`${place}: ${this.writer} ${number} was never sent`);
        }
        return complaints;
    }
}
