// Inner loops for which torch has no fused operation on a CPU. Built on first use by model/native/build.py; every
// function has a twin in plain torch that the tests hold it to. Tensors are contiguous; T rows, K and N columns.

#include <cmath>
#include <cstdint>
#include <cstring>
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
#pragma omp parallel for num_threads(threads) schedule(static) if (N * K > 65536)
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
    }

extern "C" {
EXPORT(bf16, bfloat16)
EXPORT(float, float32)
}
