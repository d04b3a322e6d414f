/** Values that cannot be computed, and why: what is wrong with them, or which others they would need. */
import type { Diagnostic } from '../../ir/diagnostic.ts';

interface Missing {
  readonly faults: readonly Diagnostic[];
  /** Missing values that it would be computed from. */
  readonly needs: readonly string[];
  /** The first of what is wrong with it or with what it needs. */
  readonly cause: Diagnostic;
}

export class MissingValues {
  private readonly byName = new Map<string, Missing>();
  private readonly order = new Map<Diagnostic, number>();

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** `names` cannot be computed for `faults`, of which there is at least one; nor for want of `needs`, if those are missing. */
  record(names: readonly string[], faults: readonly Diagnostic[], needs: readonly string[] = []): void {
    for (const fault of faults) if (!this.order.has(fault)) this.order.set(fault, this.order.size);
    for (const name of names) if (name !== '') this.byName.set(name, { faults, needs, cause: faults[0]! });
  }

  /** `names` cannot be computed for want of `needs`; at least one of those is missing. */
  recordWant(names: readonly string[], needs: readonly string[]): void {
    const missing = needs.filter((name) => this.byName.has(name));
    const { cause } = this.byName.get(missing[0]!)!;
    for (const name of names) if (name !== '') this.byName.set(name, { faults: [], needs: missing, cause });
  }

  /** Of a missing value. */
  causeOf(name: string): Diagnostic {
    return this.byName.get(name)!.cause;
  }

  /** Everything that keeps `names` from being computed, each once, in the order it was found in. */
  faultsOf(names: Iterable<string>): readonly Diagnostic[] {
    const seen = new Set<string>();
    const faults = new Set<Diagnostic>();
    const queue = [...names];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const missing = this.byName.get(name);
      if (missing === undefined || seen.has(name)) continue;
      seen.add(name);
      for (const fault of missing.faults) faults.add(fault);
      queue.push(...missing.needs);
    }
    return [...faults].sort((a, b) => this.order.get(a)! - this.order.get(b)!);
  }
}
