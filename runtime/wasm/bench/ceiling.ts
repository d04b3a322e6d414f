/** What 128-bit multiplies and adds can reach at most: twelve chains that wait for nothing but themselves. */
export function ceiling(rounds: i32, start: f32): f32 {
  const x = f32x4.splat(start);
  let a0 = x;
  let a1 = x;
  let a2 = x;
  let a3 = x;
  let a4 = x;
  let a5 = x;
  let m0 = x;
  let m1 = x;
  let m2 = x;
  let m3 = x;
  let m4 = x;
  let m5 = x;
  for (let i = 0; i < rounds; i++) {
    a0 = f32x4.add(a0, x);
    m0 = f32x4.mul(m0, x);
    a1 = f32x4.add(a1, x);
    m1 = f32x4.mul(m1, x);
    a2 = f32x4.add(a2, x);
    m2 = f32x4.mul(m2, x);
    a3 = f32x4.add(a3, x);
    m3 = f32x4.mul(m3, x);
    a4 = f32x4.add(a4, x);
    m4 = f32x4.mul(m4, x);
    a5 = f32x4.add(a5, x);
    m5 = f32x4.mul(m5, x);
  }
  a0 = f32x4.add(f32x4.add(a0, a1), f32x4.add(f32x4.add(a2, a3), f32x4.add(a4, a5)));
  m0 = f32x4.add(f32x4.add(m0, m1), f32x4.add(f32x4.add(m2, m3), f32x4.add(m4, m5)));
  return f32x4.extract_lane(f32x4.add(a0, m0), 0);
}
