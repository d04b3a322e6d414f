/**
 * The error function to double precision, so that gelu and erf stay smooth enough for central differences in the tests.
 *
 * Two Chebyshev fits, computed for this file with 40 digits: erf(x) / x in powers of x^2 for |x| < 1 (error 8e-18), and
 * erfc(x) exp(x^2) in powers of t = (x - 3) / (x + 3) for 1 <= x < 6 (error 1e-17); from 6 on erf is 1 to the last bit.
 */

/** erf(x) for one number. */
export function erfValue(x: number): number {
  const size = Math.abs(x);
  if (size < 1) {
    const u = x * x;
    let p = -7.795898827002142e-10;
    p = p * u + 1.3720064546777686e-8;
    p = p * u - 1.6208483801871705e-7;
    p = p * u + 1.6447424703317362e-6;
    p = p * u - 1.492473690741966e-5;
    p = p * u + 0.00012055294904839707;
    p = p * u - 0.0008548325975389692;
    p = p * u + 0.0052239776071164225;
    p = p * u - 0.02686617064323777;
    p = p * u + 0.11283791670945006;
    p = p * u - 0.37612638903183543;
    p = p * u + 1.1283791670955126;
    return x * p;
  }
  if (!(size < 6)) return size >= 6 ? Math.sign(x) : x;
  const t = (size - 3) / (size + 3);
  let q = 1.2801900862962662e-6;
  q = q * t + 2.023603179641757e-6;
  q = q * t - 8.008021319412685e-6;
  q = q * t - 1.284889451252353e-5;
  q = q * t + 6.406182073530546e-5;
  q = q * t + 4.525472635483354e-5;
  q = q * t - 0.0005970623517093284;
  q = q * t + 0.0007077464443901538;
  q = q * t + 0.004269136347508256;
  q = q * t - 0.024392499318273194;
  q = q * t + 0.07166583719774874;
  q = q * t - 0.15011593650078744;
  q = q * t + 0.24560380171233195;
  q = q * t - 0.32623356004303716;
  q = q * t + 0.17900115118138996;
  const tail = q * Math.exp(-x * x);
  return x > 0 ? 1 - tail : tail - 1;
}
