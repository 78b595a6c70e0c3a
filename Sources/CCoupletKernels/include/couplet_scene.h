#ifndef COUPLET_SCENE_H
#define COUPLET_SCENE_H

#include <stddef.h>
#include <stdint.h>

/// Number of shapes: cube, cylinder, cone, ring, cross, mug, dumbbell.
#define COUPLET_SCENE_SHAPES 7

/// One object before a wall, in the light of a lamp that all scenes share and of a coloured spotlight. Lengths are in
/// units of the scene: the picture shows the square from -4.8 to 4.8 of the plane z = 0, the wall is the plane
/// z = -1.8, the camera is at z = 20, and an object lies within 1.8 of its centre.
typedef struct {
    int32_t shape;
    /// The centre of the object in the plane z = 0; x to the right, y up.
    float x, y;
    /// The rows of the matrix that rotates the object's own axes.
    float rotation[9];
    /// Linear red, green and blue, 0 to 1.
    float object_color[3], spotlight_color[3], wall_color[3];
    /// The position of the spotlight, which points to the object's centre.
    float spotlight[3];
} couplet_scene;

/// Renders a scene by sphere tracing (Hart 1996), with shadows, `samples` × `samples` rays a pixel. Writes bytes, 3 ×
/// size × size, the square roots of linear intensities. Only +, -, ×, ÷ and square roots are used, one after another,
/// so the bytes are the same on every CPU.
void couplet_render_scene(const couplet_scene *scene, size_t size, size_t samples, uint8_t *pixels);

#endif
