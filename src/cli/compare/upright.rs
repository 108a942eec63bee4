//! Owns a frame laid out as it is shown: two media may store the same picture turned in different ways. Pure.

use std::sync::Arc;

use crate::frame::{FrameBuffer, FrameMemory, LayoutError, OutOfMemory, PlaneLayout, PlaneSpec};

/// Why a frame cannot be laid out anew.
#[derive(Debug, thiserror::Error)]
pub enum UprightError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
}

/// The same frame with samples where they are shown. What it lacks is still told by rows as they are stored.
///
/// # Errors
/// [`UprightError`] when there is no room for a second frame.
pub fn upright(frame: FrameBuffer) -> Result<FrameBuffer, UprightError> {
    if frame.layout.orientation().is_upright() {
        return Ok(frame);
    }
    let layout = upright_layout(&frame.layout)?;
    let mut memory = FrameMemory::allocate(layout.total_bytes())?;
    for plane in 0..layout.planes().len() {
        turn_plane(&frame, plane, &layout, memory.bytes_mut());
    }
    Ok(FrameBuffer { layout: Arc::new(layout), memory, missing: frame.missing })
}

fn upright_layout(stored: &PlaneLayout) -> Result<PlaneLayout, LayoutError> {
    let turned = |plane: &PlaneSpec| {
        let (width, height) = stored.orientation().of_size((plane.width, plane.height));
        PlaneSpec { width, height, ..plane.clone() }
    };
    let planes = stored.planes().iter().map(turned).collect();
    PlaneLayout::new(planes, stored.data_window(), stored.display_window(), stored.pixel_aspect())
}

fn turn_plane(frame: &FrameBuffer, plane: usize, layout: &PlaneLayout, memory: &mut [u8]) {
    let (stored, shown) = (&frame.layout.planes()[plane], &layout.planes()[plane]);
    let (from, to) = (frame.layout.spans()[plane], layout.spans()[plane]);
    let (source, size) = (frame.plane(plane), shown.sample.bytes());
    let turn = frame.layout.orientation().pixels((stored.width, stored.height));
    for y in 0..shown.height {
        let row = &mut memory[to.row(y as usize)];
        for (x, sample) in (0..shown.width).zip(row.chunks_exact_mut(size)) {
            let (column, line) = turn.of((x as i32, y as i32));
            let start = line as usize * from.row_bytes + column as usize * size;
            sample.copy_from_slice(&source[start..start + size]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Orientation, Role, SampleType, Window};

    #[test]
    fn samples_lie_where_they_are_shown() {
        let plane =
            PlaneSpec { name: "Y".into(), sample: SampleType::U16, role: Role::Grey, width: 2, height: 3 };
        let window = Window::at_origin(3, 2);
        let layout = PlaneLayout::new(vec![plane], window, window, 1.0).unwrap();
        let layout = Arc::new(layout.with_orientation(Orientation::new(1, false)));
        let mut memory = FrameMemory::allocate(layout.total_bytes()).unwrap();
        for (row, samples) in [[1_u16, 2], [3, 4], [5, 6]].iter().enumerate() {
            let bytes = &mut memory.bytes_mut()[layout.spans()[0].row(row)];
            bytes[..4].copy_from_slice(bytemuck::cast_slice(samples));
        }
        let shown = upright(FrameBuffer { layout, memory, missing: Vec::new() }).unwrap();
        let row = |y: usize| -> Vec<u16> {
            bytemuck::pod_collect_to_vec(&shown.memory.bytes()[shown.layout.spans()[0].row(y)][..6])
        };
        assert_eq!((row(0), row(1)), (vec![5, 3, 1], vec![6, 4, 2]));
        assert_eq!(shown.layout.stored_size(), (3, 2));
    }
}
