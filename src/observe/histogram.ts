// Observations in buckets: what is kept does not grow, and to observe allocates nothing.

export interface Buckets {
  /** Upper bounds, ascending; the bucket above the last one has none. */
  readonly bounds: readonly number[]
  /** Observations up to each bound, and last, all of them. */
  readonly counts: readonly number[]
  readonly sum: number
}

export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    let index = 0
    while (index < this.#bounds.length && value > (this.#bounds[index] ?? 0)) index += 1
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#sum += value
  }

  buckets(): Buckets {
    let below = 0
    const counts = this.#counts.map((count) => {
      below += count
      return below
    })
    return { bounds: this.#bounds, counts, sum: this.#sum }
  }
}
