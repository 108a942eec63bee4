//! Owns primaries and white points, and the matrices between them. Pure; any thread.

/// Chromaticities in the order of OpenEXR's attribute: red x, y, green x, y, blue x, y, white x, y.
pub type Primaries = [f64; 8];
/// Rows of a matrix of linear colours.
pub(super) type Matrix = [[f64; 3]; 3];

/// ITU-R BT.709-6, item 1.3 and 1.4.
pub(super) const REC709: Primaries = [0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290];
/// ITU-R BT.2020-2, table 3.
pub(super) const REC2020: Primaries = [0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290];
/// SMPTE EG 432-1 with the white of Rec. 709.
pub(super) const P3_D65: Primaries = [0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290];
/// SMPTE ST 2065-1.
pub(super) const AP0: Primaries = [0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767];
/// Academy S-2014-004 (ACEScg).
pub(super) const AP1: Primaries = [0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767];

/// SMPTE RP 431-2, with the white of cinemas.
pub(super) const P3_DCI: Primaries = [0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351];

/// The name of primaries that have one.
pub(super) fn name_of(primaries: &Primaries) -> Option<&'static str> {
    let named = [
        (REC709, "Rec.709"),
        (REC2020, "Rec.2020"),
        (P3_D65, "P3-D65"),
        (P3_DCI, "P3-DCI"),
        (AP0, "AP0"),
        (AP1, "AP1"),
    ];
    named.into_iter().find(|(known, _)| known == primaries).map(|(_, name)| name)
}

/// Cone responses of the Bradford adaptation (Lam 1985, as in ICC.1:2022 annex E).
const BRADFORD: Matrix = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];

/// Linear colours of `from` to linear colours of `to`, white to white (Bradford). None where either has no volume
/// or no white.
pub(super) fn conversion(from: &Primaries, to: &Primaries) -> Option<Matrix> {
    let adapted = product(&adaptation(white(from)?, white(to)?)?, &xyz_from_rgb(from)?);
    let matrix = product(&inverse(&xyz_from_rgb(to)?)?, &adapted);
    matrix.iter().flatten().all(|value| value.is_finite()).then_some(matrix)
}

/// SMPTE RP 177: the primaries scaled so that their sum is the white, of luminance 1.
fn xyz_from_rgb(primaries: &Primaries) -> Option<Matrix> {
    let [rx, ry, gx, gy, bx, by, ..] = *primaries;
    let unscaled = [[rx, gx, bx], [ry, gy, by], [1.0 - rx - ry, 1.0 - gx - gy, 1.0 - bx - by]];
    let scales = applied(&inverse(&unscaled)?, white(primaries)?);
    Some(unscaled.map(|row| [row[0] * scales[0], row[1] * scales[1], row[2] * scales[2]]))
}

fn white(primaries: &Primaries) -> Option<[f64; 3]> {
    let (x, y) = (primaries[6], primaries[7]);
    let white = [x / y, 1.0, (1.0 - x - y) / y];
    (y > 1e-6 && white.iter().all(|value| value.is_finite())).then_some(white)
}

fn adaptation(from: [f64; 3], to: [f64; 3]) -> Option<Matrix> {
    let (from, to) = (applied(&BRADFORD, from), applied(&BRADFORD, to));
    let mut scaled = BRADFORD;
    for (row, (from, to)) in scaled.iter_mut().zip(from.into_iter().zip(to)) {
        *row = row.map(|value| value * to / from);
    }
    Some(product(&inverse(&BRADFORD)?, &scaled))
}

pub(super) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| [0, 1, 2].map(|column| (0..3).map(|k| row[k] * b[k][column]).sum()))
}

fn applied(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

/// By cofactors; None where the determinant is as good as 0.
fn inverse(m: &Matrix) -> Option<Matrix> {
    let cofactor = |row: usize, column: usize| {
        let (r1, r2, c1, c2) = ((row + 1) % 3, (row + 2) % 3, (column + 1) % 3, (column + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
    let transposed = [0, 1, 2].map(|row| [0, 1, 2].map(|column| cofactor(column, row) / determinant));
    (determinant.abs() > 1e-9).then_some(transposed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(ours: &Matrix, expected: &Matrix, tolerance: f64) {
        for (ours, expected) in ours.iter().flatten().zip(expected.iter().flatten()) {
            assert!((ours - expected).abs() <= tolerance, "{ours} instead of {expected}");
        }
    }

    #[test]
    fn ap0_to_ap1_is_the_matrix_of_the_academy() {
        // S-2014-004, annex A.
        let expected = [
            [1.451_439_316_1, -0.236_510_746_9, -0.214_928_569_3],
            [-0.076_553_773_4, 1.176_229_699_8, -0.099_675_926_4],
            [0.008_316_148_4, -0.006_032_449_8, 0.997_716_301_4],
        ];
        assert_near(&conversion(&AP0, &AP1).unwrap(), &expected, 1e-9);
    }

    #[test]
    fn rec709_to_rec2020_is_the_matrix_of_the_itu() {
        // ITU-R BT.2087-0, four digits.
        let expected = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]];
        assert_near(&conversion(&REC709, &REC2020).unwrap(), &expected, 1e-4);
    }

    #[test]
    fn white_stays_white_and_there_and_back_is_nothing() {
        let there = conversion(&REC709, &AP1).unwrap();
        for row in &there {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        let back = conversion(&AP1, &REC709).unwrap();
        assert_near(&product(&back, &there), &[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], 1e-12);
    }

    #[test]
    fn nonsense_has_no_matrix() {
        assert_eq!(conversion(&[0.0; 8], &AP1), None);
        assert_eq!(conversion(&[f64::NAN; 8], &AP1), None);
        assert_eq!(conversion(&[0.3; 8], &AP1), None);
        let no_white = [0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3, 0.0];
        assert_eq!(conversion(&no_white, &AP1), None);
    }

    #[test]
    fn xyz_is_a_set_of_primaries_like_any_other() {
        let xyz = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0 / 3.0, 1.0 / 3.0];
        assert!(conversion(&xyz, &AP1).is_some());
    }
}
