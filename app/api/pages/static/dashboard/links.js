// Where the scans behind a figure are found: #behind? and the conditions of GET /scans.

const DAY_MS = 86_400_000;

export class Links {
  // What the whole page is narrowed by: since, set_id and encoder, each or none.
  constructor(chosen) {
    this.chosen = chosen;
  }

  // Scans of the page's time, set and encoder that are like that, too.
  to(conditions = {}) {
    return address({ ...this.chosen, ...conditions });
  }

  day(day, conditions = {}) {
    const start = Date.parse(`${day}T00:00:00Z`);
    const from = Math.max(start, this.chosen.since ? Date.parse(this.chosen.since) : start);
    return this.to({ ...conditions, since: moment(from), before: moment(start + DAY_MS) });
  }

  // Corrections are counted by when they were made, of whatever set and encoder.
  toCorrections(conditions) {
    return address({ ...conditions, corrected_since: this.chosen.since });
  }

  // Of all time.
  toAny(conditions) {
    return address(conditions);
  }
}

const moment = (milliseconds) => new Date(milliseconds).toISOString();

function address(conditions) {
  const given = Object.entries(conditions).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return `#behind?${new URLSearchParams(given)}`;
}

// The conditions in the page's address; null where it asks for no scans.
export function asked() {
  const [name, query] = location.hash.split(/\?(.*)/s);
  return name === "#behind" ? new URLSearchParams(query ?? "") : null;
}
