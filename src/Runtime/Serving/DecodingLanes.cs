using System.Diagnostics;
using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// The text side: languages, words, and texts that come and go. A window that is decoded greedily or drawn shares its steps
/// with all others of the kind, whatever their languages, temperatures and rules; a window with beams takes a lane for each
/// and shares its steps with those that have as many; rules about repetitions share theirs as well.
/// <code>
///     lanes     0 1 2 3 4 5 6 7 8 9 ...  | one for what is over within a turn: languages, words
///               a b c d d d d d . .        d has five beams
///     a turn    a step of a b c, a step of d
/// </code>
/// Texts get lanes in the order of their priority, and those that have waited for a second before all others; while the next
/// one wants more lanes than are free side by side, nobody behind it gets any, so that many lanes come free in the end.
/// </summary>
internal sealed class DecodingLanes : IDisposable
{
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(1);

    private readonly WhisperModel _model;
    private readonly DecoderState _state;
    private readonly TokenChoice _choice;
    private readonly ChoiceLoop _choices;
    private readonly HostLoop _host;
    private readonly Dictionary<int, BeamLoop> _beams = [];
    private readonly WordAligner _aligner;
    private readonly LanePool _lanes;
    private readonly int _passingLane;
    private readonly List<LanguageJob> _languages = [];
    private readonly List<AlignJob> _alignments = [];
    private readonly List<DecodeJob> _waiting = [];
    private readonly Dictionary<LaneWindow, (DecodeJob Job, ILaneLoop Loop)> _running = [];

    /// <summary>Allocates the memory of the sequences.</summary>
    /// <param name="model">The model.</param>
    /// <param name="state">Its decoder state.</param>
    /// <param name="lanes">Lanes to give out; the state has one more.</param>
    public DecodingLanes(WhisperModel model, DecoderState state, int lanes)
    {
        (_model, _state, _passingLane) = (model, state, lanes);
        _lanes = new LanePool(lanes);
        _choice = model.Network.Kernels.AllocateChoice(state.Lanes, model.Dimensions.TextContext, model.Dimensions.Vocabulary);
        _choices = new ChoiceLoop(model, state, _choice);
        _host = new HostLoop(model, state);
        _aligner = new WordAligner(model, state);
    }

    /// <summary>Whether a turn has anything to do.</summary>
    public bool HasWork => _languages.Count + _alignments.Count + _waiting.Count + _running.Count > 0;

    /// <summary>Lanes that hold a text.</summary>
    public int LanesInUse => _lanes.InUse;

    /// <summary>Takes a job.</summary>
    public void Add(EngineJob job)
    {
        switch (job)
        {
            case LanguageJob language:
                _languages.Add(language);
                break;
            case AlignJob align:
                _alignments.Add(align);
                break;
            case DecodeJob decode:
                _waiting.Add(decode);
                break;
            default:
                throw new ArgumentException($"There is no way to do a {job.GetType().Name}.", nameof(job));
        }
    }

    /// <summary>Frees the lanes of texts that nobody waits for.</summary>
    public void ForgetCancelled()
    {
        _waiting.RemoveAll(WaitingJobs.FailIfCancelled);
        foreach ((LaneWindow window, (DecodeJob job, _)) in _running.Where(one => one.Value.Job.Run.IsCancelled).ToArray())
        {
            End(window);
            job.Fail(job.Run.Cancelled());
        }
    }

    /// <summary>Does what can be done now, and a step of every text.</summary>
    public void Turn(ref EngineCounters counters)
    {
        DetectLanguages();
        Align();
        Begin();
        foreach (ILaneLoop loop in _running.Values.Select(one => one.Loop).Distinct().ToArray())
        {
            Step(loop, ref counters);
        }
    }

    /// <summary>Lets nobody wait any longer.</summary>
    public void FailAll(Exception exception)
    {
        _languages.FailAll(exception);
        _alignments.FailAll(exception);
        _waiting.FailAll(exception);
        Fail([.. _running.Keys], exception);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _choices.Dispose();
        _choice.Dispose();
    }

    /// <summary>One pass for all whose languages are asked for, as far as there are lanes.</summary>
    private void DetectLanguages()
    {
        while (_languages.Count > 0)
        {
            List<int> lanes = [_passingLane];
            while (lanes.Count < Math.Min(_languages.Count, _state.Outputs) && _lanes.Take(1) is int lane)
            {
                lanes.Add(lane);
            }

            LanguageJob[] jobs = [.. _languages.Take(lanes.Count)];
            _languages.RemoveRange(0, jobs.Length);
            try
            {
                _state.Rows.Clear();
                for (int i = 0; i < jobs.Length; i++)
                {
                    _state.Rows.Add(_model.Tokenizer.Special.StartOfTranscript, lanes[i], position: 0, jobs[i].Run.Window!.Value, wantsLogits: true);
                }

                _model.Network.Decoder.Forward(_state);
                int vocabulary = _model.Dimensions.Vocabulary;
                float[] logits = new float[jobs.Length * vocabulary];
                _state.ReadLogits(logits);
                for (int i = 0; i < jobs.Length; i++)
                {
                    jobs[i].Complete(logits[(i * vocabulary)..((i + 1) * vocabulary)]);
                }
            }
            catch (Exception exception)
            {
                Array.ForEach(jobs, job => job.Fail(exception));
            }
            finally
            {
                lanes.Skip(1).ToList().ForEach(lane => _lanes.Return(lane, 1));
            }
        }
    }

    private void Align()
    {
        foreach (AlignJob job in _alignments)
        {
            try
            {
                job.Complete(_aligner.Align(job.TextTokens, job.Options.Language, job.Options.Task, job.Frames, job.Run.Window!.Value, _passingLane));
            }
            catch (Exception exception)
            {
                job.Fail(exception);
            }
        }

        _alignments.Clear();
    }

    /// <summary>Gives lanes to texts that wait.</summary>
    private void Begin()
    {
        List<LaneWindow> begun = [];
        foreach (DecodeJob job in _waiting.OrderBy(job => Stopwatch.GetElapsedTime(job.Since) > LongWait ? -1 : (int)job.Run.Owner.Request.Priority).ThenBy(job => job.Since).ToArray())
        {
            if (_lanes.Take(job.Options.Lanes) is not int first)
            {
                break;
            }

            LaneWindow window = new(new WindowRequest(job.Options, job.Run.Window!.Value), first);
            _waiting.Remove(job);
            _running.Add(window, (job, LoopFor(job.Options)));
            begun.Add(window);
        }

        foreach (IGrouping<ILaneLoop, LaneWindow> together in begun.GroupBy(window => _running[window].Loop))
        {
            LaneWindow[] windows = [.. together];
            try
            {
                together.Key.Begin(windows);
            }
            catch (Exception exception)
            {
                Fail(windows, exception);
                continue;
            }

            foreach (LaneWindow window in windows.Where(window => window.Failure is not null))
            {
                Fail([window], window.Failure!.SourceException);
            }
        }
    }

    private void Step(ILaneLoop loop, ref EngineCounters counters)
    {
        (long steps, long rows) = (loop.Steps, loop.StepRows);
        IReadOnlyList<LaneWindow> ended;
        try
        {
            ended = loop.Step();
        }
        catch (Exception exception)
        {
            Fail([.. _running.Where(one => one.Value.Loop == loop).Select(one => one.Key)], exception);
            return;
        }

        counters.Steps += loop.Steps - steps;
        counters.StepRows += loop.StepRows - rows;
        foreach (LaneWindow window in ended)
        {
            if (window.Found is not { } found)
            {
                Fail([window], window.Failure!.SourceException);
                continue;
            }

            counters.Tokens += found.Candidates.Sum(text => (long)text.Tokens.Count);
            DecodeJob job = _running[window].Job;
            End(window);
            job.Complete(found);
        }
    }

    private ILaneLoop LoopFor(DecodingOptions options)
    {
        if (ChoiceLoop.Takes(options))
        {
            return _choices;
        }

        if (!BeamLoop.Takes(options))
        {
            return _host;
        }

        // Windows of a loop have equally many beams.
        if (!_beams.TryGetValue(options.Lanes, out BeamLoop? loop))
        {
            _beams[options.Lanes] = loop = new BeamLoop(_model, _state, _choice);
        }

        return loop;
    }

    private void Fail(IReadOnlyList<LaneWindow> windows, Exception exception)
    {
        foreach (LaneWindow window in windows)
        {
            DecodeJob job = _running[window].Job;
            End(window);
            job.Fail(exception);
        }
    }

    private void End(LaneWindow window)
    {
        _running.Remove(window, out (DecodeJob Job, ILaneLoop Loop) one);
        one.Loop.Drop(window);
        _lanes.Return(window.FirstLane, window.Request.Options.Lanes);
    }
}
