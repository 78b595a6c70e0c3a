#include "couplet_scene.h"
#include <math.h>
#pragma STDC FP_CONTRACT OFF

typedef struct {
    float x, y, z;
} vector;

static vector make(float x, float y, float z) { return (vector){x, y, z}; }
static vector add(vector a, vector b) { return make(a.x + b.x, a.y + b.y, a.z + b.z); }
static vector subtract(vector a, vector b) { return make(a.x - b.x, a.y - b.y, a.z - b.z); }
static vector times(float s, vector a) { return make(s * a.x, s * a.y, s * a.z); }
static float dot(vector a, vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static float root(float x) { return sqrtf(x); }
static float length(vector a) { return root(dot(a, a)); }
static vector unit(vector a) { return times(1 / length(a), a); }
static float larger(float a, float b) { return a > b ? a : b; }
static float smaller(float a, float b) { return a < b ? a : b; }
static float size_of(float a) { return a < 0 ? -a : a; }
static float flat_length(float x, float y) { return root(x * x + y * y); }

// MARK: Signed distances of the shapes, in their own axes

static float box(vector p, float x, float y, float z) {
    const float dx = size_of(p.x) - x, dy = size_of(p.y) - y, dz = size_of(p.z) - z;
    const vector outside = make(larger(dx, 0), larger(dy, 0), larger(dz, 0));
    return length(outside) + smaller(larger(dx, larger(dy, dz)), 0);
}

static float cylinder(vector p, float radius, float half_height) {
    const float dr = flat_length(p.x, p.z) - radius, dy = size_of(p.y) - half_height;
    return flat_length(larger(dr, 0), larger(dy, 0)) + smaller(larger(dr, dy), 0);
}

// A cone with its base of `radius` at y = -half_height and its tip at y = half_height.
static float cone(vector p, float radius, float half_height) {
    const float r = flat_length(p.x, p.z), below = -half_height - p.y;
    // The distance from the line of the side, with its outer normal (2h, R) / |(2h, R)|.
    const float slope = flat_length(2 * half_height, radius);
    const float side = (2 * half_height * r + radius * (p.y - half_height)) / slope;
    const float inside = larger(side, below);
    if (inside <= 0) return inside;
    // The nearest point of the base and of the side.
    const float base = flat_length(larger(r - radius, 0), below);
    const float along = (radius * r - 2 * half_height * (p.y - half_height)) / (slope * slope);
    const float t = larger(0, smaller(1, along));
    const float edge = flat_length(r - t * radius, p.y - half_height + t * 2 * half_height);
    return smaller(base, edge);
}

// A ring around the y axis.
static float ring(vector p, float radius, float thickness) {
    return flat_length(flat_length(p.x, p.z) - radius, p.y) - thickness;
}

static float cross(vector p) {
    return smaller(box(p, 1.05f, 0.3f, 0.3f), smaller(box(p, 0.3f, 1.05f, 0.3f), box(p, 0.3f, 0.3f, 1.05f)));
}

static float mug(vector p) {
    const float wall = cylinder(p, 0.62f, 0.8f), hollow = cylinder(make(p.x, p.y - 0.25f, p.z), 0.48f, 0.8f);
    const float handle = flat_length(flat_length(p.x - 0.66f, p.y) - 0.42f, p.z) - 0.12f;
    // The handle ends at the wall.
    const float outside = larger(handle, 0.55f - flat_length(p.x, p.z));
    return smaller(larger(wall, -hollow), outside);
}

static float dumbbell(vector p) {
    const float left = length(make(p.x, p.y - 0.8f, p.z)) - 0.48f, right = length(make(p.x, p.y + 0.8f, p.z)) - 0.48f;
    return smaller(cylinder(p, 0.2f, 0.8f), smaller(left, right));
}

static float unscaled_distance(int shape, vector p) {
    switch (shape) {
        case 0: return box(p, 0.72f, 0.72f, 0.72f) - 0.04f;
        case 1: return cylinder(p, 0.62f, 0.95f);
        case 2: return cone(p, 0.9f, 0.95f);
        case 3: return ring(p, 0.85f, 0.33f);
        case 4: return cross(p);
        case 5: return mug(p);
        default: return dumbbell(p);
    }
}

#define SCALE 1.3f

static float distance(int shape, vector p) { return SCALE * unscaled_distance(shape, times(1 / SCALE, p)); }

// MARK: Rays

#define LARGEST_RADIUS 1.8f
#define WALL (-1.8f)
#define CAMERA 20.0f
#define HALF_WIDTH 4.8f

// A point or direction in the object's axes: Rᵀ p.
static vector rotated_back(const couplet_scene *scene, vector p) {
    const float *r = scene->rotation;
    return make(r[0] * p.x + r[3] * p.y + r[6] * p.z, r[1] * p.x + r[4] * p.y + r[7] * p.z,
                r[2] * p.x + r[5] * p.y + r[8] * p.z);
}

static vector rotated(const couplet_scene *scene, vector p) {
    const float *r = scene->rotation;
    return make(r[0] * p.x + r[1] * p.y + r[2] * p.z, r[3] * p.x + r[4] * p.y + r[5] * p.z,
                r[6] * p.x + r[7] * p.y + r[8] * p.z);
}

// The distance along a ray, in the object's axes with a direction of length 1, at which it meets the object; negative
// if it does not within `limit`.
static float meeting(int shape, vector origin, vector direction, float limit) {
    const float along = -dot(origin, direction), square = dot(origin, origin) - along * along;
    if (square > LARGEST_RADIUS * LARGEST_RADIUS) return -1;
    const float half = root(LARGEST_RADIUS * LARGEST_RADIUS - square);
    const float end = smaller(along + half, limit);
    float t = larger(along - half, 0);
    for (int step = 0; step < 96 && t < end; step++) {
        const float d = distance(shape, add(origin, times(t, direction)));
        if (d < 1e-3f) return t;
        t += d;
    }
    return -1;
}

// The outer normal at a point of the surface: the slope of the distance, by central differences.
static vector normal(int shape, vector p) {
    const float e = 2e-3f;
    const float x = distance(shape, make(p.x + e, p.y, p.z)) - distance(shape, make(p.x - e, p.y, p.z));
    const float y = distance(shape, make(p.x, p.y + e, p.z)) - distance(shape, make(p.x, p.y - e, p.z));
    const float z = distance(shape, make(p.x, p.y, p.z + e)) - distance(shape, make(p.x, p.y, p.z - e));
    const float size = length(make(x, y, z));
    return size > 0 ? times(1 / size, make(x, y, z)) : make(0, 0, 1);
}

// How much of a light at `light` reaches a point of the scene, 0 or 1.
static float visibility(const couplet_scene *scene, vector centre, vector p, vector light) {
    const vector way = subtract(light, p);
    const float far = length(way);
    const vector direction = times(1 / far, way);
    return meeting(scene->shape, rotated_back(scene, subtract(p, centre)), rotated_back(scene, direction), far) < 0;
}

// The light from a point: ambient light, the lamp, and the spotlight with soft edges.
static void shade(const couplet_scene *scene, vector centre, vector p, vector n, const float *color, float *rgb) {
    const vector raised = add(p, times(1e-2f, n)), lamp = make(-6, 9, 14);
    const vector spotlight = make(scene->spotlight[0], scene->spotlight[1], scene->spotlight[2]);
    const float lamp_cosine = larger(0, dot(n, unit(subtract(lamp, p))));
    const vector to_light = unit(subtract(spotlight, p)), axis = unit(subtract(spotlight, centre));
    const float spot_cosine = larger(0, dot(n, to_light)), off_axis = dot(axis, to_light);
    // Full within 16 degrees of the axis, nothing beyond 25: cosines 0.961 and 0.906.
    float cone = (off_axis - 0.906f) / 0.055f;
    cone = larger(0, smaller(1, cone));
    cone = cone * cone * (3 - 2 * cone);
    float lamp_light = 0.35f * lamp_cosine, spot_light = 0.75f * spot_cosine * cone;
    if (lamp_light > 0) lamp_light *= visibility(scene, centre, raised, lamp);
    if (spot_light > 0) spot_light *= visibility(scene, centre, raised, spotlight);
    for (int c = 0; c < 3; c++) rgb[c] = color[c] * (0.25f + lamp_light + spot_light * scene->spotlight_color[c]);
}

static void trace(const couplet_scene *scene, vector centre, float x, float y, float *rgb) {
    const vector camera = make(0, 0, CAMERA), direction = unit(make(x, y, -CAMERA));
    const vector origin = rotated_back(scene, subtract(camera, centre));
    const vector own = rotated_back(scene, direction);
    const float t = meeting(scene->shape, origin, own, 2 * CAMERA);
    if (t >= 0) {
        const vector p = add(origin, times(t, own));
        const vector n = normal(scene->shape, p);
        shade(scene, centre, add(centre, rotated(scene, p)), rotated(scene, n), scene->object_color, rgb);
    } else {
        const vector p = add(camera, times((WALL - CAMERA) / direction.z, direction));
        shade(scene, centre, p, make(0, 0, 1), scene->wall_color, rgb);
    }
}

void couplet_render_scene(const couplet_scene *scene, size_t size, size_t samples, uint8_t *pixels) {
    const vector centre = make(scene->x, scene->y, 0);
    const float step = 2 * HALF_WIDTH / (float)(size * samples), share = 1 / (float)(samples * samples);
    for (size_t row = 0; row < size; row++)
        for (size_t column = 0; column < size; column++) {
            float sums[3] = {0, 0, 0};
            for (size_t i = 0; i < samples; i++)
                for (size_t j = 0; j < samples; j++) {
                    float rgb[3];
                    const float x = ((float)(column * samples + j) + 0.5f) * step - HALF_WIDTH;
                    const float y = HALF_WIDTH - ((float)(row * samples + i) + 0.5f) * step;
                    trace(scene, centre, x, y, rgb);
                    for (int c = 0; c < 3; c++) sums[c] += rgb[c];
                }
            for (int c = 0; c < 3; c++) {
                const float level = root(smaller(1, larger(0, sums[c] * share)));
                pixels[((size_t)c * size + row) * size + column] = (uint8_t)(level * 255 + 0.5f);
            }
        }
}
