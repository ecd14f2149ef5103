// Inner loops for which torch has no fused operation on a CPU. Built on first use by model/native/build.py; every
// function has a twin in plain torch that the tests hold it to. Tensors are contiguous; T rows, K and N columns.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace {

struct bf16 {
    uint16_t bits;
};

inline float wide(float x) { return x; }
inline float wide(bf16 x) {
    uint32_t bits = uint32_t(x.bits) << 16;
    float out;
    std::memcpy(&out, &bits, 4);
    return out;
}

template <class S> inline S narrow(float x);
template <> inline float narrow<float>(float x) { return x; }
template <> inline bf16 narrow<bf16>(float x) {  // to nearest, halves to even; what is no number stays none
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return bf16{uint16_t((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded)};
}

// e^x to about 1e-7 of itself: 2^n times a polynomial on [-ln2/2, ln2/2]
inline float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float n = std::nearbyint(x * 1.44269504f);
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t scale = (int32_t(n) + 127) << 23;
    float power;
    std::memcpy(&power, &scale, 4);
    return p * power;
}

// y = weight * S(x / rms(x)), as released code rounds it
template <class S>
void rms_norm(const S* x, const S* weight, S* y, int64_t T, int64_t K, float eps, int threads) {
#pragma omp parallel for num_threads(threads) if (T * K > 32768)
    for (int64_t t = 0; t < T; t++) {
        const S* row = x + t * K;
        S* out = y + t * K;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t k = 0; k < K; k++) sum += wide(row[k]) * wide(row[k]);
        float scale = 1.0f / std::sqrt(sum / float(K) + eps);
#pragma omp simd
        for (int64_t k = 0; k < K; k++)
            out[k] = narrow<S>(wide(weight[k]) * wide(narrow<S>(wide(row[k]) * scale)));
    }
}

// y = S(silu(gate)) * up
template <class S> void silu_mul(const S* gate, const S* up, S* y, int64_t count, int threads) {
    const int64_t block = 8192;
#pragma omp parallel for num_threads(threads) if (count > 2 * block)
    for (int64_t start = 0; start < count; start += block) {
        int64_t end = start + block < count ? start + block : count;
#pragma omp simd
        for (int64_t k = start; k < end; k++) {
            float g = wide(gate[k]);
            y[k] = narrow<S>(wide(narrow<S>(g / (1.0f + exponential(-g)))) * wide(up[k]));
        }
    }
}

// Rotate q and k of qkv [T,3,H,D] by halves, in place, in float32; cos and sin are [T,D]
template <class S>
void rotate_pairs(S* qkv, const float* cosine, const float* sine, int64_t T, int64_t H, int64_t D, int threads) {
    const int64_t half = D / 2;
#pragma omp parallel for num_threads(threads) if (T * H * D > 16384)
    for (int64_t t = 0; t < T; t++) {
        const float *c = cosine + t * D, *s = sine + t * D;
        S* row = qkv + t * 3 * H * D;
        for (int64_t h = 0; h < 2 * H; h++, row += D) {
#pragma omp simd
            for (int64_t d = 0; d < half; d++) {
                float a = wide(row[d]), b = wide(row[d + half]);
                row[d] = narrow<S>(a * c[d] - b * s[d]);
                row[d + half] = narrow<S>(b * c[d + half] + a * s[d + half]);
            }
        }
    }
}

// y[h,t] = x[t,h] rotated by halves in S, as released code rounds it; cos and sin are [T,D]
template <class S>
void rotate_heads(const S* x, const S* cosine, const S* sine, S* y, int64_t T, int64_t H, int64_t D, int threads) {
    const int64_t half = D / 2;
#pragma omp parallel for num_threads(threads) if (T * H * D > 16384)
    for (int64_t t = 0; t < T; t++) {
        const S *c = cosine + t * D, *s = sine + t * D;
        for (int64_t h = 0; h < H; h++) {
            const S* row = x + (t * H + h) * D;
            S* out = y + (h * T + t) * D;
#pragma omp simd
            for (int64_t d = 0; d < half; d++) {
                float a = wide(row[d]), b = wide(row[d + half]);
                float ac = wide(narrow<S>(a * wide(c[d]))), bs = wide(narrow<S>(b * wide(s[d])));
                float bc = wide(narrow<S>(b * wide(c[d + half]))), as = wide(narrow<S>(a * wide(s[d + half])));
                out[d] = narrow<S>(ac - bs);
                out[d + half] = narrow<S>(bc + as);
            }
        }
    }
}

const int ROWS = 4;  // rows of weights that are read side by side: so many streams from memory
// MOST, which the build says, is the number of vectors that `linear` and `linear8` take at most

// R rows of weights, each K long, with M vectors; the products of a row stand `stride` apart from those of the next
#if defined(__AVX512BF16__)
template <int R, int M> void dots(const bf16* w, const bf16* x, int64_t K, float* out, int64_t stride) {
    __m512 sums[R][M];
    for (int r = 0; r < R; r++)
        for (int m = 0; m < M; m++) sums[r][m] = _mm512_setzero_ps();
    int64_t k = 0;
    for (; k + 32 <= K; k += 32) {
        __m512bh rows[R];
        for (int r = 0; r < R; r++) {
            _mm_prefetch((const char*)(w + r * K + k + 1024), _MM_HINT_T0);
            rows[r] = (__m512bh)_mm512_loadu_si512(w + r * K + k);
        }
        for (int m = 0; m < M; m++) {
            __m512bh column = (__m512bh)_mm512_loadu_si512(x + m * K + k);
            for (int r = 0; r < R; r++) sums[r][m] = _mm512_dpbf16_ps(sums[r][m], rows[r], column);
        }
    }
    for (int r = 0; r < R; r++)
        for (int m = 0; m < M; m++) {
            float sum = _mm512_reduce_add_ps(sums[r][m]);
            for (int64_t rest = k; rest < K; rest++) sum += wide(w[r * K + rest]) * wide(x[m * K + rest]);
            out[r * stride + m] = sum;
        }
}
#endif

#if defined(__AVX512F__)
template <int R, int M> void dots(const float* w, const float* x, int64_t K, float* out, int64_t stride) {
    __m512 sums[R][M];
    for (int r = 0; r < R; r++)
        for (int m = 0; m < M; m++) sums[r][m] = _mm512_setzero_ps();
    int64_t k = 0;
    for (; k + 16 <= K; k += 16) {
        __m512 rows[R];
        for (int r = 0; r < R; r++) {
            _mm_prefetch((const char*)(w + (R + r) * K + k), _MM_HINT_T0);
            rows[r] = _mm512_loadu_ps(w + r * K + k);
        }
        for (int m = 0; m < M; m++) {
            __m512 column = _mm512_loadu_ps(x + m * K + k);
            for (int r = 0; r < R; r++) sums[r][m] = _mm512_fmadd_ps(rows[r], column, sums[r][m]);
        }
    }
    for (int r = 0; r < R; r++)
        for (int m = 0; m < M; m++) {
            float sum = _mm512_reduce_add_ps(sums[r][m]);
            for (int64_t rest = k; rest < K; rest++) sum += w[r * K + rest] * x[m * K + rest];
            out[r * stride + m] = sum;
        }
}
#endif

template <int R, int M, class S> void dots(const S* w, const S* x, int64_t K, float* out, int64_t stride) {
    for (int r = 0; r < R; r++)
        for (int m = 0; m < M; m++) {
            float sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int64_t k = 0; k < K; k++) sum += wide(w[r * K + k]) * wide(x[m * K + k]);
            out[r * stride + m] = sum;
        }
}

// rows of weights with M vectors, four at a time: what the first four have read is still near for the next
template <int R, class S> void block(const S* w, const S* x, int64_t M, int64_t K, float* out) {
    for (int64_t m = 0; m < M; m += 4, x += 4 * K) switch (M - m) {
        case 1: dots<R, 1>(w, x, K, out + m, M); break;
        case 2: dots<R, 2>(w, x, K, out + m, M); break;
        case 3: dots<R, 3>(w, x, K, out + m, M); break;
        default: dots<R, 4>(w, x, K, out + m, M);
    }
}

// y = x w^T + bias for few x: x [M,K], w [N,K], y [M,N]
template <class S>
void linear(const S* x, const S* w, const S* bias, S* y, int64_t M, int64_t K, int64_t N, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static) if (N * K > 16384)
    for (int64_t n = 0; n < N; n += ROWS) {
        float out[ROWS * MOST];
        int64_t rows = N - n < ROWS ? N - n : ROWS;
        if (rows == ROWS)
            block<ROWS>(w + n * K, x, M, K, out);
        else
            for (int64_t r = 0; r < rows; r++) block<1>(w + (n + r) * K, x, M, K, out + r * M);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t m = 0; m < M; m++) {
                y[m * N + n + r] = narrow<S>(out[r * M + m] + (bias ? wide(bias[n + r]) : 0.0f));
            }
    }
}

// R rows of int8 weights with M vectors of 16 bit, given as high and low bytes: 256 * high + low
template <int R, int M>
void dots8(const int8_t* w, const int8_t* high, const int8_t* low, const int32_t* total, int64_t K, float* out,
           int64_t stride) {
    int64_t k = 0;
    int32_t highs[R][M] = {}, lows[R][M] = {};
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
    __m512i upper[R][M], lower[R][M];
    const __m512i flip = _mm512_set1_epi8(char(0x80));
    for (int r = 0; r < R; r++)
        for (int m = 0; m < M; m++) upper[r][m] = lower[r][m] = _mm512_setzero_si512();
    for (; k + 64 <= K; k += 64) {
        __m512i rows[R];  // plus 128, for the instruction multiplies unsigned with signed bytes
        for (int r = 0; r < R; r++) {
            _mm_prefetch((const char*)(w + r * K + k + 2048), _MM_HINT_T0);
            rows[r] = _mm512_xor_si512(_mm512_loadu_si512(w + r * K + k), flip);
        }
        for (int m = 0; m < M; m++) {
            __m512i a = _mm512_loadu_si512(high + m * K + k), b = _mm512_loadu_si512(low + m * K + k);
            for (int r = 0; r < R; r++) {
                upper[r][m] = _mm512_dpbusd_epi32(upper[r][m], rows[r], a);
                lower[r][m] = _mm512_dpbusd_epi32(lower[r][m], rows[r], b);
            }
        }
    }
    for (int r = 0; r < R; r++)
        for (int m = 0; m < M; m++) {
            highs[r][m] = _mm512_reduce_add_epi32(upper[r][m]) - 128 * total[2 * m];
            lows[r][m] = _mm512_reduce_add_epi32(lower[r][m]) - 128 * total[2 * m + 1];
        }
#endif
    for (int r = 0; r < R; r++)
        for (int m = 0; m < M; m++) {
            for (int64_t rest = k; rest < K; rest++) {
                highs[r][m] += int32_t(w[r * K + rest]) * high[m * K + rest];
                lows[r][m] += int32_t(w[r * K + rest]) * low[m * K + rest];
            }
            out[r * stride + m] = 256.0f * float(highs[r][m]) + float(lows[r][m]);
        }
}

// x [M,K] as 16-bit integers of one scale a row, cut into bytes; `total` sums those the vector loop reads
template <class S>
void split(const S* x, int64_t M, int64_t K, int8_t* high, int8_t* low, float* scale, int32_t* total) {
    for (int64_t m = 0; m < M; m++) {
        float most = 0;
#pragma omp simd reduction(max : most)
        for (int64_t k = 0; k < K; k++) {
            float size = std::fabs(wide(x[m * K + k]));
            most = size > most ? size : most;
        }
        float sum = 0;  // no number if any of them is none
#pragma omp simd reduction(+ : sum)
        for (int64_t k = 0; k < K; k++) sum += wide(x[m * K + k]) * 0.0f;
        float unit = most > 0 ? most / 32512.0f : 1.0f;
        scale[m] = unit + sum;
        int32_t highs = 0, lows = 0;
        for (int64_t k = 0; k < K; k++) {
            int32_t whole = int32_t(std::nearbyint(wide(x[m * K + k]) / unit));
            int32_t upper = (whole + 128) >> 8;
            high[m * K + k] = int8_t(upper);
            low[m * K + k] = int8_t(whole - 256 * upper);
            if (k < K / 64 * 64) highs += upper, lows += whole - 256 * upper;
        }
        total[2 * m] = highs, total[2 * m + 1] = lows;
    }
}

template <int R>
void block8(const int8_t* w, const int8_t* high, const int8_t* low, const int32_t* total, int64_t M, int64_t K,
            float* out) {
    for (int64_t m = 0; m < M; m += 2, high += 2 * K, low += 2 * K, total += 4)
        if (M - m == 1)
            dots8<R, 1>(w, high, low, total, K, out + m, M);
        else
            dots8<R, 2>(w, high, low, total, K, out + m, M);
}

// the same with int8 weights of one scale a row; x as `split` has cut it
template <class S>
void linear8(const S* x, const int8_t* w, const float* scale, const S* bias, S* y, int8_t* bytes, int64_t M, int64_t K,
             int64_t N, int threads) {
    int8_t *high = bytes, *low = bytes + M * K;
    float unit[MOST];
    int32_t total[2 * MOST];
    split(x, M, K, high, low, unit, total);
#pragma omp parallel for num_threads(threads) schedule(static) if (N * K > 65536)
    for (int64_t n = 0; n < N; n += ROWS) {
        float out[ROWS * MOST];
        int64_t rows = N - n < ROWS ? N - n : ROWS;
        if (rows == ROWS)
            block8<ROWS>(w + n * K, high, low, total, M, K, out);
        else
            for (int64_t r = 0; r < rows; r++) block8<1>(w + (n + r) * K, high, low, total, M, K, out + r * M);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t m = 0; m < M; m++) {
                float sum = out[r * M + m] * unit[m] * scale[n + r];
                y[m * N + n + r] = narrow<S>(sum + (bias ? wide(bias[n + r]) : 0.0f));
            }
    }
}

// y [N,K] = w * scale: int8 weights as S
template <class S> void widen(const int8_t* w, const float* scale, S* y, int64_t N, int64_t K, int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t n = 0; n < N; n++) {
#pragma omp simd
        for (int64_t k = 0; k < K; k++) y[n * K + k] = narrow<S>(float(w[n * K + k]) * scale[n]);
    }
}

// torch's own sgemm: columns first, so that products of rows are asked for in reverse
typedef void Gemm(const char*, const char*, const int64_t*, const int64_t*, const int64_t*, const float*, const float*,
                  const int64_t*, const float*, const int64_t*, const float*, float*, const int64_t*);

struct Rows {  // a matrix whose rows stand `stride` apart
    const float* at;
    int64_t stride;
};

// y [M,N] = alpha x [M,K] w^T + beta y for w [N,K]; with `across` w is [K,N] and not turned
inline void product(Gemm* gemm, Rows x, Rows w, bool across, float* y, int64_t stride, int64_t M, int64_t K, int64_t N,
                    float alpha, float beta) {
    const int64_t ldw = w.stride, ldx = x.stride, ldy = stride;  // 64 bits serve a library of 32 as well
    gemm(across ? "N" : "T", "N", &N, &M, &K, &alpha, w.at, &ldw, x.at, &ldx, &beta, y, &ldy);
}

const int64_t FEW = 8;        // rows up to which `linear` is faster than a product of matrices
const int64_t QUERIES = 128;  // of which the scores are held at a time

template <class S> void add(S* x, const S* y, int64_t count, int threads) {
#pragma omp parallel for simd num_threads(threads) if (count > 65536)
    for (int64_t k = 0; k < count; k++) x[k] = narrow<S>(wide(x[k]) + wide(y[k]));
}

inline void add_bias(float* y, const float* bias, int64_t M, int64_t N, int threads) {
    if (!bias) return;
#pragma omp parallel for num_threads(threads) if (M * N > 65536)
    for (int64_t m = 0; m < M; m++)
#pragma omp simd
        for (int64_t n = 0; n < N; n++) y[m * N + n] += bias[n];
}

// y [M,N] = x [M,K] w^T + bias
template <class S>
void map(Gemm*, const S* x, const S* w, const S* bias, S* y, int64_t M, int64_t K, int64_t N, int threads) {
    linear(x, w, bias, y, M, K, N, threads);
}
template <>
void map(Gemm* gemm, const float* x, const float* w, const float* bias, float* y, int64_t M, int64_t K, int64_t N,
         int threads) {
    if (!gemm || M <= FEW) return linear(x, w, bias, y, M, K, N, threads);
    product(gemm, {x, K}, {w, K}, false, y, N, M, K, N, 1, 0);
    add_bias(y, bias, M, N, threads);
}

// y += x w^T + bias; `spare` [M,N] may be written to
template <class S>
void map_onto(Gemm*, const S* x, const S* w, const S* bias, S* y, S* spare, int64_t M, int64_t K, int64_t N,
              int threads) {
    linear(x, w, bias, spare, M, K, N, threads);
    add(y, spare, M * N, threads);
}
template <>
void map_onto(Gemm* gemm, const float* x, const float* w, const float* bias, float* y, float* spare, int64_t M,
              int64_t K, int64_t N, int threads) {
    if (!gemm || M <= FEW) {
        linear(x, w, bias, spare, M, K, N, threads);
        return add(y, spare, M * N, threads);
    }
    product(gemm, {x, K}, {w, K}, false, y, N, M, K, N, 1, 1);
    add_bias(y, bias, M, N, threads);
}

// scores [count] become weights that sum up to 1; one of less than 1e-27 of the largest is 0, for numbers too small to
// be written in full cost the processor hundreds of cycles each
inline void softmax(float* scores, int64_t count) {
    float most = -INFINITY, total = 0;
#pragma omp simd reduction(max : most)
    for (int64_t s = 0; s < count; s++) most = scores[s] > most ? scores[s] : most;
#pragma omp simd reduction(+ : total)
    for (int64_t s = 0; s < count; s++) {
        float below = scores[s] - most, weight = exponential(below);
        scores[s] = below < -62.0f ? 0.0f : weight;
        total += scores[s];
    }
    const float share = 1.0f / total;
#pragma omp simd
    for (int64_t s = 0; s < count; s++) scores[s] *= share;
}

// Which of its own tokens a token sees: those up to itself, or as `sees` [T,T] says; all `length` before are seen
struct Sight {
    const uint8_t* sees;
    int64_t T, length;

    void hide(float* scores, int64_t t, int64_t count) const {
        for (int64_t s = length; s < count; s++)
            if (sees ? !sees[t * T + s - length] : s - length > t) scores[s] = -INFINITY;
    }
};

// Attention of q [H,T,D] over k, v [K,room,D]; y [T,H*D]. By products of matrices
inline void attend(Gemm* gemm, const float* q, const float* k, const float* v, float* y, Sight sight, int64_t room,
                   int64_t H, int64_t K, int64_t D, int threads) {
    const int64_t T = sight.T, parts = (T + QUERIES - 1) / QUERIES;
    const float scale = 1.0f / std::sqrt(float(D));
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> scores(std::min(T, QUERIES) * (sight.length + T));
#pragma omp for collapse(2) schedule(dynamic)
        for (int64_t h = 0; h < H; h++)
            for (int64_t part = 0; part < parts; part++) {
                const int64_t first = part * QUERIES, rows = std::min(QUERIES, T - first);
                const int64_t count = sight.length + (sight.sees ? T : first + rows), at = h / (H / K) * room * D;
                product(gemm, {q + (h * T + first) * D, D}, {k + at, D}, false, scores.data(), count, rows, D, count,
                        scale, 0);
                for (int64_t row = 0; row < rows; row++) {
                    sight.hide(scores.data() + row * count, first + row, count);
                    softmax(scores.data() + row * count, count);
                }
                product(gemm, {scores.data(), count}, {v + at, D}, true, y + first * H * D + h * D, H * D, rows, count,
                        D, 1, 0);
            }
    }
}

// The same, row by row, for few tokens
template <class S>
void attend_few(const S* q, const S* k, const S* v, S* y, Sight sight, int64_t room, int64_t H, int64_t K, int64_t D,
                int threads) {
    const float scale = 1.0f / std::sqrt(float(D));
    const int64_t T = sight.T, count = sight.length + T;
#pragma omp parallel for num_threads(threads) schedule(static) if (H * T * count * D > 65536)
    for (int64_t h = 0; h < H; h++) {
        std::vector<float> scores(count), sum(D);
        const S *keys = k + h / (H / K) * room * D, *values = v + h / (H / K) * room * D;
        for (int64_t t = 0; t < T; t++) {
            const S* query = q + (h * T + t) * D;
            for (int64_t s = 0; s < count; s++) {
                float score = 0;
#pragma omp simd reduction(+ : score)
                for (int64_t d = 0; d < D; d++) score += wide(query[d]) * wide(keys[s * D + d]);
                scores[s] = score * scale;
            }
            sight.hide(scores.data(), t, count);
            softmax(scores.data(), count);
            std::fill(sum.begin(), sum.end(), 0.0f);
            for (int64_t s = 0; s < count; s++)
#pragma omp simd
                for (int64_t d = 0; d < D; d++) sum[d] += scores[s] * wide(values[s * D + d]);
            for (int64_t d = 0; d < D; d++) y[t * H * D + h * D + d] = narrow<S>(sum[d]);
        }
    }
}

template <class S>
void attend_any(Gemm*, const S* q, const S* k, const S* v, S* y, Sight sight, int64_t room, int64_t H, int64_t K,
                int64_t D, int threads) {
    attend_few(q, k, v, y, sight, room, H, K, D, threads);
}
template <>
void attend_any(Gemm* gemm, const float* q, const float* k, const float* v, float* y, Sight sight, int64_t room,
                int64_t H, int64_t K, int64_t D, int threads) {
    if (gemm && sight.T > FEW) return attend(gemm, q, k, v, y, sight, room, H, K, D, threads);
    attend_few(q, k, v, y, sight, room, H, K, D, threads);
}

struct Shape {  // T tokens, `last` of which are wanted, C wide; H and K heads of D; I between gate and down
    int64_t layers, T, last, C, H, K, D, I, length, room;
};

const int PARTS = 14;  // of a layer: its weights in the order of model/native/small.py, then its keys and its values

// All layers of a decoder over tokens x [T,C], in place, behind `length` others whose keys and values are held in
// [K,room,D]; theirs are written behind those. Of the last layer, the last tokens alone come out right
template <class S>
void decode(S* x, const S* cosine, const S* sine, const uint8_t* sees, const void* const* parts, const Shape& is,
            float eps, Gemm* gemm, int threads) {
    const int64_t T = is.T, C = is.C, H = is.H, K = is.K, D = is.D, I = is.I;
    std::vector<S> space(T * (2 * C + 4 * H * D + 2 * I));
    S *normed = space.data(), *spare = normed + T * C, *flat = spare + T * C, *query = flat + T * H * D;
    S *key = query + T * H * D, *seen = key + T * H * D, *gate = seen + T * H * D, *up = gate + T * I;
    for (int64_t layer = 0; layer < is.layers; layer++, parts += PARTS) {
        auto part = [&](int number) { return (const S*)parts[number]; };
        const int64_t R = layer + 1 < is.layers || sees ? T : is.last, skip = T - R;
        S *keys = (S*)parts[12], *values = (S*)parts[13], *out = x + skip * C;
        rms_norm(x, part(0), normed, T, C, eps, threads);
        map(gemm, normed + skip * C, part(1), part(2), flat, R, C, H * D, threads);
        rotate_heads(flat, cosine + skip * D, sine + skip * D, query, R, H, D, threads);
        map(gemm, normed, part(3), part(4), flat, T, C, K * D, threads);
        rotate_heads(flat, cosine, sine, key, T, K, D, threads);
        map(gemm, normed, part(5), part(6), flat, T, C, K * D, threads);
        for (int64_t h = 0; h < K; h++) {
            std::memcpy(keys + (h * is.room + is.length) * D, key + h * T * D, T * D * sizeof(S));
            for (int64_t t = 0; t < T; t++)
                std::memcpy(values + (h * is.room + is.length + t) * D, flat + (t * K + h) * D, D * sizeof(S));
        }
        attend_any(gemm, query, keys, values, seen, Sight{sees, R, is.length + skip}, is.room, H, K, D, threads);
        map_onto(gemm, seen, part(7), (const S*)nullptr, out, spare, R, H * D, C, threads);
        rms_norm(out, part(8), normed, R, C, eps, threads);
        map(gemm, normed, part(9), (const S*)nullptr, gate, R, C, I, threads);
        map(gemm, normed, part(10), (const S*)nullptr, up, R, C, I, threads);
        silu_mul(gate, up, gate, R * I, threads);
        map_onto(gemm, gate, part(11), (const S*)nullptr, out, spare, R, I, C, threads);
    }
}

const int PIECES = 12;  // of a block of the vision tower, in the order of model/native/small.py

// Blocks of a vision tower over patches x [N,C], in place. `spans` are starts and lengths: first of `windows`, then of
// `frames`; which of them a block's patches see, `full` says
inline void look(float* x, const float* cosine, const float* sine, const void* const* parts, const uint8_t* full,
                 const int64_t* spans, int64_t windows, int64_t frames, int64_t blocks, int64_t N, int64_t C, int64_t H,
                 int64_t I, float eps, Gemm* gemm, int threads) {
    const int64_t D = C / H;
    const float scale = 1.0f / std::sqrt(float(D));
    std::vector<float> space(N * (5 * C + 2 * I));
    float *normed = space.data(), *qkv = normed + N * C, *seen = qkv + 3 * N * C, *gate = seen + N * C;
    float* up = gate + N * I;
    struct Job {
        int64_t start, count, first;
    };
    for (int64_t block = 0; block < blocks; block++, parts += PIECES) {
        auto part = [&](int number) { return (const float*)parts[number]; };
        rms_norm(x, part(0), normed, N, C, eps, threads);
        map(gemm, normed, part(1), part(2), qkv, N, C, 3 * C, threads);
        rotate_pairs(qkv, cosine, sine, N, H, D, threads);
        std::vector<Job> jobs;
        int64_t longest = 0;
        const int64_t* span = spans + (full[block] ? 2 * windows : 0);
        for (int64_t number = 0; number < (full[block] ? frames : windows); number++, span += 2) {
            longest = std::max(longest, span[1]);
            for (int64_t first = 0; first < span[1]; first += QUERIES) jobs.push_back({span[0], span[1], first});
        }
#pragma omp parallel num_threads(threads)
        {
            std::vector<float> scores(QUERIES * longest);
#pragma omp for collapse(2) schedule(dynamic)
            for (int64_t h = 0; h < H; h++)
                for (size_t number = 0; number < jobs.size(); number++) {
                    const Job job = jobs[number];
                    const int64_t rows = std::min(QUERIES, job.count - job.first);
                    const float* own = qkv + job.start * 3 * C + h * D;
                    product(gemm, {own + job.first * 3 * C, 3 * C}, {own + C, 3 * C}, false, scores.data(), job.count,
                            rows, D, job.count, scale, 0);
                    for (int64_t row = 0; row < rows; row++) softmax(scores.data() + row * job.count, job.count);
                    product(gemm, {scores.data(), job.count}, {own + 2 * C, 3 * C}, true,
                            seen + (job.start + job.first) * C + h * D, C, rows, job.count, D, 1, 0);
                }
        }
        map_onto(gemm, seen, part(3), part(4), x, normed, N, C, C, threads);
        rms_norm(x, part(5), normed, N, C, eps, threads);
        map(gemm, normed, part(6), part(7), gate, N, C, I, threads);
        map(gemm, normed, part(8), part(9), up, N, C, I, threads);
        silu_mul(gate, up, gate, N * I, threads);
        map_onto(gemm, gate, part(10), part(11), x, normed, N, I, C, threads);
    }
}

}  // namespace

#define EXPORT(S, name)                                                                                                \
    void rms_norm_##name(const S* x, const S* weight, S* y, int64_t T, int64_t K, float eps, int threads) {            \
        rms_norm(x, weight, y, T, K, eps, threads);                                                                    \
    }                                                                                                                  \
    void silu_mul_##name(const S* gate, const S* up, S* y, int64_t count, int threads) {                               \
        silu_mul(gate, up, y, count, threads);                                                                         \
    }                                                                                                                  \
    void rotate_pairs_##name(S* qkv, const float* cosine, const float* sine, int64_t T, int64_t H, int64_t D,          \
                             int threads) {                                                                            \
        rotate_pairs(qkv, cosine, sine, T, H, D, threads);                                                             \
    }                                                                                                                  \
    void rotate_heads_##name(const S* x, const S* cosine, const S* sine, S* y, int64_t T, int64_t H, int64_t D,        \
                             int threads) {                                                                            \
        rotate_heads(x, cosine, sine, y, T, H, D, threads);                                                            \
    }                                                                                                                  \
    void linear_##name(const S* x, const S* w, const S* bias, S* y, int64_t M, int64_t K, int64_t N, int threads) {    \
        linear(x, w, bias, y, M, K, N, threads);                                                                       \
    }                                                                                                                  \
    void linear8_##name(const S* x, const int8_t* w, const float* scale, const S* bias, S* y, int8_t* bytes,           \
                        int64_t M, int64_t K, int64_t N, int threads) {                                                \
        linear8(x, w, scale, bias, y, bytes, M, K, N, threads);                                                        \
    }                                                                                                                  \
    void widen_##name(const int8_t* w, const float* scale, S* y, int64_t N, int64_t K, int threads) {                  \
        widen(w, scale, y, N, K, threads);                                                                             \
    }                                                                                                                  \
    void decode_##name(S* x, const S* cosine, const S* sine, const uint8_t* sees, const void* const* parts,            \
                       const int64_t* shape, float eps, Gemm* gemm, int threads) {                                     \
        Shape is;                                                                                                      \
        std::memcpy(&is, shape, sizeof(Shape));                                                                        \
        decode(x, cosine, sine, sees, parts, is, eps, gemm, threads);                                                  \
    }

extern "C" {
EXPORT(bf16, bfloat16)
EXPORT(float, float32)
void look_float32(float* x, const float* cosine, const float* sine, const void* const* parts, const uint8_t* full,
                  const int64_t* spans, int64_t windows, int64_t frames, int64_t blocks, int64_t N, int64_t C,
                  int64_t H, int64_t I, float eps, Gemm* gemm, int threads) {
    look(x, cosine, sine, parts, full, spans, windows, frames, blocks, N, C, H, I, eps, gemm, threads);
}
}
