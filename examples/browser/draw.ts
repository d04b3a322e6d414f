/** Draws the loss as a line on a canvas: steps from left to right, zero at the bottom. */

/** What is used of a canvas' 2d context. */
export interface Pen {
  strokeStyle: string | CanvasGradient | CanvasPattern;
  lineWidth: number;
  clearRect(x: number, y: number, width: number, height: number): void;
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  stroke(): void;
}

export function drawLosses(
  pen: Pen,
  size: { readonly width: number; readonly height: number },
  losses: readonly number[],
  steps: number,
): void {
  const { width, height } = size;
  const largest = Math.max(...losses, Number.MIN_VALUE);
  pen.clearRect(0, 0, width, height);
  pen.strokeStyle = '#1f6feb';
  pen.lineWidth = 2;
  pen.beginPath();
  losses.forEach((loss, n) => {
    const x = (n / steps) * width;
    const y = height - (loss / largest) * (height - 4) - 2;
    if (n === 0) pen.moveTo(x, y);
    else pen.lineTo(x, y);
  });
  pen.stroke();
}
