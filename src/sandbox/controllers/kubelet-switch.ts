/** Whether a node's kubelet runs. */
export class KubeletSwitch {
  private running: Promise<void> | undefined;
  private resolve: () => void = () => undefined;

  get isOff(): boolean {
    return this.running !== undefined;
  }

  stop(): void {
    this.running ??= new Promise((resolve) => (this.resolve = resolve));
  }

  start(): void {
    this.running = undefined;
    this.resolve();
  }

  /** Settled while it runs. */
  async runs(): Promise<void> {
    while (this.running) await this.running;
  }
}
