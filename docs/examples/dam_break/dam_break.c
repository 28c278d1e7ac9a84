/* The break of a dam: the shallow water equations in one dimension.
 *
 * Reads input.txt in the working directory, one line of
 *     UPSTREAM DOWNSTREAM LENGTH TIME CELLS
 * (depths, length in m, time in s) and writes output.csv with the columns x, depth and velocity.
 * The dam stands in the middle. Finite volumes of first order with the flux of Harten, Lax and
 * van Leer, and the wave speeds of Toro (2001) for a dry bed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double GRAVITY = 9.81, DRY = 1e-9, COURANT = 0.9;

typedef struct {
    double depth, discharge; /* m, m^2/s */
} State;

static double velocity(State s) { return s.depth > DRY ? s.discharge / s.depth : 0; }

static double celerity(State s) { return sqrt(GRAVITY * fmax(s.depth, 0)); }

static State flux(State s) {
    double u = velocity(s);
    return (State){s.discharge, s.discharge * u + GRAVITY * s.depth * s.depth / 2};
}

static State between(State l, State r) {
    double ul = velocity(l), ur = velocity(r), cl = celerity(l), cr = celerity(r);
    if (l.depth <= DRY && r.depth <= DRY) return (State){0, 0};
    double left = l.depth <= DRY ? ur - 2 * cr : fmin(ul - cl, ur - cr);
    double right = r.depth <= DRY ? ul + 2 * cl : fmax(ul + cl, ur + cr);
    State fl = flux(l), fr = flux(r);
    if (left >= 0) return fl;
    if (right <= 0) return fr;
    double width = right - left, both = left * right;
    return (State){
        (right * fl.depth - left * fr.depth + both * (r.depth - l.depth)) / width,
        (right * fl.discharge - left * fr.discharge + both * (r.discharge - l.discharge)) / width};
}

static int fail(const char *message) {
    fprintf(stderr, "dam_break: %s\n", message);
    return 2;
}

int main(void) {
    double upstream, downstream, length, end;
    int cells;
    FILE *in = fopen("input.txt", "r");
    if (!in) return fail("there is no input.txt");
    int read = fscanf(in, "%lf %lf %lf %lf %d", &upstream, &downstream, &length, &end, &cells);
    fclose(in);
    if (read != 5) return fail("input.txt must have five numbers");
    if (cells < 2) return fail("two cells are the least");

    State *now = malloc(cells * sizeof *now);
    State *flow = malloc((cells + 1) * sizeof *flow);
    if (!now || !flow) return fail("there is not enough memory");
    for (int i = 0; i < cells; i++) now[i] = (State){i < cells / 2 ? upstream : downstream, 0};

    double size = length / cells;
    for (double time = 0; time < end;) {
        double fastest = DRY;
        for (int i = 0; i < cells; i++)
            fastest = fmax(fastest, fabs(velocity(now[i])) + 2 * celerity(now[i]));
        double step = fmin(COURANT * size / fastest, end - time);
        for (int i = 0; i <= cells; i++) /* walls at both ends */
            flow[i] = i == 0       ? (State){0, GRAVITY * now[0].depth * now[0].depth / 2}
                      : i == cells ? (State){0, GRAVITY * now[i - 1].depth * now[i - 1].depth / 2}
                                   : between(now[i - 1], now[i]);
        for (int i = 0; i < cells; i++) {
            now[i].depth -= step / size * (flow[i + 1].depth - flow[i].depth);
            now[i].discharge -= step / size * (flow[i + 1].discharge - flow[i].discharge);
        }
        time += step;
    }

    FILE *out = fopen("output.csv", "w");
    if (!out) return fail("output.csv cannot be written");
    fprintf(out, "x,depth,velocity\n");
    for (int i = 0; i < cells; i++)
        fprintf(out, "%.17g,%.17g,%.17g\n", (i + 0.5) * size - length / 2, now[i].depth,
                velocity(now[i]));
    if (fclose(out)) return fail("output.csv cannot be written");
    return 0;
}
