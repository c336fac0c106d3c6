namespace Handwritten.Kernels;

/// <summary>What a matrix product does with its result before it stores it.</summary>
public enum Epilogue
{
    /// <summary>y = x Wᵀ + b.</summary>
    None,

    /// <summary>y = gelu(x Wᵀ + b), the exact form z · Φ(z) with the error function.</summary>
    Gelu,

    /// <summary>y = y + x Wᵀ + b: the residual stream takes the sum.</summary>
    AddToOutput,
}

/// <summary>
/// Every operation Whisper is made of. The model is written once against this interface; a back end implements it for
/// one kind of machine. Activations have the back end's compute type (float32 on a CPU) but for those that are allocated
/// as float32; shapes are given outermost first; "rows" are the flattened leading dimensions. Operations work on the first
/// <c>rows</c> rows of tensors that were allocated for the largest batch, so that a step allocates nothing. They run in the
/// order of the calls; <see cref="Read"/> waits for what it reads.
/// </summary>
public interface IKernels : IDisposable
{
    /// <summary>One line about the device: name, threads, instruction set.</summary>
    string DeviceDescription { get; }

    /// <summary>Whether matrices are kept in int8, with a scale for each output, whatever their files hold.</summary>
    bool HasInt8Weights { get; }

    /// <summary>
    /// How far activations may be from openai/whisper's in float32, as relative L2 error, for no other reason than this back
    /// end's types and its order of sums.
    /// </summary>
    double Tolerance { get; }

    /// <summary>Refuses what does not fit the device's memory, before any of it is allocated.</summary>
    /// <exception cref="Gpu.GpuException">It does not fit: how much is needed and free, and which compute type would fit.</exception>
    void Require(Gpu.MemoryEstimate estimate);

    /// <summary>Allocates activations in the back end's compute type, filled with zeros.</summary>
    Tensor Allocate(params ReadOnlySpan<int> shape);

    /// <summary>
    /// Allocates float32 activations whatever the compute type: the residual stream, whose sums of many layers would lose
    /// what a half cannot hold, and logits.
    /// </summary>
    Tensor AllocateSingle(params ReadOnlySpan<int> shape);

    /// <summary>Allocates the rows of decoder passes.</summary>
    /// <param name="capacity">The most rows one pass can hold.</param>
    /// <param name="lanes">Lanes of the KV caches; 0 for rows whose lanes never share a past.</param>
    /// <param name="length">Entries of a lane.</param>
    DecoderRows AllocateRows(int capacity, int lanes = 0, int length = 0);

    /// <summary>Loads a vector or a table that is read element by element: biases, layer norms, positions. Any shape.</summary>
    Tensor LoadTable(HostTensor values);

    /// <summary>
    /// Loads matrices [outputs, inputs] stacked along their outputs, for <see cref="MatMul"/> and
    /// <see cref="Embed"/>: one for most layers, three where Q, K and V are one product.
    /// </summary>
    Tensor LoadMatrix(params ReadOnlySpan<HostTensor> stacked);

    /// <summary>
    /// Loads biases [outputs_i] stacked the same way; null stands for a bias of <paramref name="missingLength"/> zeros
    /// (Whisper's key projections have none).
    /// </summary>
    Tensor LoadBias(int missingLength, params ReadOnlySpan<HostTensor?> stacked);

    /// <summary>
    /// Loads the weight [outputs, channels, 3] of a convolution for <see cref="Conv1dGelu"/>; the result's shape is [outputs,
    /// 3 · channels].
    /// </summary>
    Tensor LoadConvolution(HostTensor weight);

    /// <summary>Copies host values into a tensor, from its first element on.</summary>
    void Write(ReadOnlySpan<float> values, Tensor destination);

    /// <summary>Waits until everything before has run.</summary>
    void Synchronize();

    /// <summary>Copies a tensor's first elements to the host, once everything before has run.</summary>
    void Read(Tensor source, Span<float> values);

    /// <summary>
    /// The log-mel spectrogram of a whole recording, frames first:
    /// with P[t, k] = |Σ_n hann[n] · x[160 t + n − 200] · exp(−2πi k n / 400)|² (reflected at both ends),
    /// L = log10(max(P · filtersᵀ, 1e-10)) and result = (max(L, max(L) − 8) + 4) / 4.
    /// Source: openai/whisper, audio.py, log_mel_spectrogram.
    /// </summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="padding">Zero samples that follow them.</param>
    /// <param name="filters">Mel filters [mels, 201], from <see cref="LoadTable"/>.</param>
    /// <returns>[(samples + padding) / 160, mels].</returns>
    Tensor LogMel(ReadOnlySpan<float> samples, int padding, Tensor filters);

    /// <summary>
    /// <see cref="LogMel"/> to the last bit, on the calling thread alone, while other threads may use the back end: the
    /// spectrogram of hours then delays nobody. Null where the back end has but one queue.
    /// </summary>
    /// <param name="samples">As for <see cref="LogMel"/>.</param>
    /// <param name="padding">As for <see cref="LogMel"/>.</param>
    /// <param name="filters">As for <see cref="LogMel"/>.</param>
    Tensor? LogMelAside(ReadOnlySpan<float> samples, int padding, Tensor filters) => null;

    /// <summary>
    /// Cuts frames out of a log-mel spectrogram: windows[index, t, :] = mel[first + t, :] for t below
    /// <paramref name="count"/>, and zero behind them. <paramref name="windows"/>: [batch, frames, mels].
    /// </summary>
    void CopyWindow(Tensor mel, int first, int count, Tensor windows, int index);

    /// <summary>
    /// y[b, t, :] = gelu(Σ_{tap=0..2} W[:, tap, :] · x[b, t·stride + tap − 1, :] + bias), zeros beyond the ends, plus
    /// <paramref name="positions"/>[t, :] where given. x: [batch, frames, channels]; y: [batch, frames / stride, outputs].
    /// </summary>
    void Conv1dGelu(int batch, Tensor x, Linear convolution, int stride, Tensor? positions, Tensor y);

    /// <summary>
    /// y = (x − mean) / sqrt(variance + 1e-5) · gain + bias over the last dimension. x: [rows, width] float32, y: [rows, width].
    /// </summary>
    void LayerNorm(int rows, Tensor x, Norm norm, Tensor y);

    /// <summary>x: [rows, inputs], y: [rows, outputs]; see <see cref="Epilogue"/>, whose sums go to a float32 y.</summary>
    void MatMul(int rows, Tensor x, Linear linear, Tensor y, Epilogue epilogue = Epilogue.None);

    /// <summary>
    /// <see cref="LayerNorm"/> and then <see cref="MatMul"/> with its result, in one operation where that is faster; the same
    /// bits as by the two of them.
    /// </summary>
    /// <param name="rows">How many rows.</param>
    /// <param name="x">What is normalised: [rows, inputs] float32.</param>
    /// <param name="norm">The norm.</param>
    /// <param name="linear">The product.</param>
    /// <param name="normed">[rows, inputs]: room for what is between the two. Whether it is there afterwards is not defined.</param>
    /// <param name="y">The result: [rows, outputs].</param>
    /// <param name="epilogue">What becomes of the sums.</param>
    void NormMatMul(int rows, Tensor x, Norm norm, Linear linear, Tensor normed, Tensor y, Epilogue epilogue = Epilogue.None)
    {
        LayerNorm(rows, x, norm, normed);
        MatMul(rows, normed, linear, y, epilogue);
    }

    /// <summary>
    /// Full self-attention of the encoder, every frame looks at every frame of its window:
    /// y = concat over heads of softmax(q kᵀ / sqrt(head size)) v.
    /// queryKeyValue: [batch, frames, 3 · width], y: [batch, frames, width].
    /// </summary>
    void Attention(int batch, Tensor queryKeyValue, int heads, Tensor y);

    /// <summary>
    /// Begins a pass: x[row, :] = tokenTable[token of the row, :] + positionTable[position of the row, :]. x: [rows, width] float32.
    /// </summary>
    void Embed(DecoderRows rows, Tensor tokenTable, Tensor positionTable, Tensor x);

    /// <summary>
    /// Allocates a KV cache: <paramref name="lanes"/> sequences of up to <paramref name="length"/> entries for one layer.
    /// </summary>
    KeyValueCache AllocateCache(int lanes, int length, int heads, int headSize);

    /// <summary>
    /// Fills lanes of a cache with the keys and values of all frames, one lane for each of <paramref name="windows"/>.
    /// keyValue: [windows, length, 2 · width].
    /// </summary>
    void StoreKeysValues(Tensor keyValue, KeyValueCache cache, params ReadOnlySpan<int> windows);

    /// <summary>
    /// Appends each row's key and value to its lane at its position, then attends from each row over the entries
    /// 0..position of its sequence, each of which lies in the lane that <see cref="DecoderRows.Sources"/> names: entry t is
    /// the cache's [sources[t], t]. queryKeyValue: [rows, 3 · width], y: [rows, width].
    /// </summary>
    void AttendSelf(DecoderRows rows, Tensor queryKeyValue, KeyValueCache cache, Tensor y);

    /// <summary>Attends from each row over all entries of its audio window. query, y: [rows, width].</summary>
    void AttendCross(DecoderRows rows, Tensor query, KeyValueCache cache, Tensor y);

    /// <summary>
    /// The weights that <see cref="AttendCross"/> gives to the frames in one head: softmax(q kᵀ / sqrt(head size)).
    /// They tell which frames a token was heard in. query: [rows, width], weights: [rows, length].
    /// </summary>
    void CrossAttentionWeights(DecoderRows rows, Tensor query, KeyValueCache cache, int head, Tensor weights);

    /// <summary>y[i, :] = x[rows.Outputs[i], :]: keeps only the rows whose logits are wanted. x, y: [rows, width] float32.</summary>
    void GatherOutputs(DecoderRows rows, Tensor x, Tensor y);

    /// <summary>Allocates the memory of sequences that choose their tokens without the host.</summary>
    /// <param name="lanes">Lanes of the KV caches.</param>
    /// <param name="length">Positions of a lane.</param>
    /// <param name="vocabulary">Tokens there are.</param>
    TokenChoice AllocateChoice(int lanes, int length, int vocabulary);

    /// <summary>
    /// Starts the sequences of a window: forgets what the lanes have chosen, and sets their rules. Several lanes are
    /// several texts that are drawn from the same start: only the first lane is given the prompt, and all choose their first
    /// token from its logits.
    /// </summary>
    /// <exception cref="ArgumentException">There are no such lanes, or the rules speak of tokens that do not exist.</exception>
    void StartChoice(TokenChoice choice, ChoiceRules rules, int firstLane, int lanes = 1);

    /// <summary>
    /// Chooses each open lane's next token from the lane's last row of logits, by the lane's rules, and moves the row on: it
    /// holds the token and its position, so that the same pass can run again. A lane whose sequence has ended stays as it
    /// is. A lane's first row of logits, while it has chosen nothing, tells the no-speech probability. What the rows hold on
    /// the host afterwards is the back end's own affair. logits: [outputs of the rows, vocabulary] float32.
    /// </summary>
    void Choose(DecoderRows rows, Tensor logits, TokenChoice choice);

    /// <summary>
    /// Gives each row the token that its lane chose last, and that token's position: so a step follows a prompt, whose rows
    /// were others, without the host knowing the token. The host adds the rows with any token, and with the position behind the
    /// prompt: one at 0 would forget a shared past. A row whose lane has chosen nothing keeps what it has.
    /// </summary>
    void FollowChoice(DecoderRows rows, TokenChoice choice);

    /// <summary>Copies all lanes to the host, once everything before has run; see <see cref="TokenChoice"/>.</summary>
    void ReadChoice(TokenChoice choice);

    /// <summary>Sets what a lane has chosen so far, for a search that chooses on the host: the rules go by it.</summary>
    void WriteChoice(TokenChoice choice, int lane, ReadOnlySpan<int> tokens);

    /// <summary>
    /// The most probable next tokens of each row of logits, in descending order (of equals the lower id first), by the rules
    /// and the history of the row's lane, at temperature 1; −1 with −∞ where the rules allow fewer. Chooses nothing. Waits
    /// for the result.
    /// </summary>
    /// <param name="rows">Whose outputs the logits are.</param>
    /// <param name="logits">[outputs, vocabulary] float32.</param>
    /// <param name="choice">The lanes' rules and histories.</param>
    /// <param name="count">How many of each row: 1 to 64.</param>
    /// <param name="tokens">[outputs, count].</param>
    /// <param name="logProbabilities">[outputs, count].</param>
    void TopTokens(DecoderRows rows, Tensor logits, TokenChoice choice, int count, Span<int> tokens, Span<float> logProbabilities);

    /// <summary>
    /// Records operations that are to run many times, as a step of the decoder is; runs none of them. They may not read,
    /// write or allocate, and the rows they work on have been used before, and are not changed by the host in between.
    /// </summary>
    IRecordedPass Record(Action pass);
}

/// <summary>
/// Keys and values of one attention layer, [lanes, length, heads, head size] each; the layout is the back end's own.
/// </summary>
public abstract class KeyValueCache : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the memory.</summary>
    protected abstract void Dispose(bool disposing);
}
