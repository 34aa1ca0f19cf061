// How a row's state s changed against the one looked at before, s', and the one before that, s'': sums over its elements.
// shaders.Change in Go.
struct Change {
    float now;    // s^2
    float before; // s'^2
    float both;   // s s'
    float first;  // (s - s')^2
    float second; // (s - 2 s' + s'')^2
};
void change_add(inout Change c, float s, float before, float twice) {
    const float d = s - before, e = d - (before - twice);
    c.now += s * s;
    c.before += before * before;
    c.both += s * before;
    c.first += d * d;
    c.second += e * e;
}
Change change_sum(Change c) {
    return Change(group_sum(c.now), group_sum(c.before), group_sum(c.both), group_sum(c.first), group_sum(c.second));
}
