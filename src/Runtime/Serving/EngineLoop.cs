using System.Diagnostics;
using Handwritten.Model;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// The thread that owns the model. Runs ask it for what they need and wait; it does what has been asked for in turns, each of
/// which gathers what can be computed together:
/// <code>
///     take what was asked for, forget what was cancelled          EngineInbox
///     give free audio windows to those whose turn it is           WindowAdmission
///     compute spectrograms, encode a few windows at once          ListeningWindows: one pass
///     detect languages, find words                                DecodingLanes
///     give free lanes to texts that wait, run their prompts         they join the steps
///     a step of all texts                                           those that end free their lanes
/// </code>
/// A text that ends is replaced at the next turn, without waiting for the others; nothing waits for a batch to be full.
/// </summary>
internal sealed class EngineLoop : IDisposable
{
    private readonly EngineInbox _inbox = new();
    private readonly ListeningWindows _audio;
    private readonly DecodingLanes _texts;
    private readonly WindowAdmission _windows;
    private readonly Thread _thread;
    private readonly Lock _publishing = new();
    private EngineCounters _counters, _published;

    /// <summary>Allocates the memory and starts the thread.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How much it does at the same time.</param>
    public EngineLoop(WhisperModel model, EngineOptions options)
    {
        (Model, Options) = (model, options);
        _audio = new ListeningWindows(model, options);
        try
        {
            _texts = new DecodingLanes(model, _audio.Decoder, options.Lanes);
        }
        catch
        {
            _audio.Dispose();
            throw;
        }

        _windows = new WindowAdmission(options, _audio);
        _thread = new Thread(Run) { IsBackground = true, Name = "Transcription engine" };
        _thread.Start();
    }

    /// <summary>The model.</summary>
    public WhisperModel Model { get; }

    /// <summary>How much it does at the same time.</summary>
    public EngineOptions Options { get; }

    /// <summary>What has been done, as of the last turn.</summary>
    public EngineCounters Counters
    {
        get
        {
            lock (_publishing)
            {
                return _published;
            }
        }
    }

    /// <summary>Lets a run wait for its first window.</summary>
    public void Enqueue(RecordingRun run) => _inbox.Enqueue(run);

    /// <summary>Asks for something.</summary>
    public void Post(EngineJob job) => _inbox.Post(job);

    /// <summary>Gives back what a run holds.</summary>
    public void Leave(RecordingRun run) => _inbox.Leave(run);

    /// <summary>Has the engine look who has been cancelled.</summary>
    public void Wake() => _inbox.Wake();

    /// <summary>Ends the thread, once nobody asks for anything any more, and frees the memory.</summary>
    public void Dispose()
    {
        _inbox.Close();
        _thread.Join();
        _texts.Dispose();
        _audio.Dispose();
        _inbox.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            if (!_audio.HasWork && !_texts.HasWork)
            {
                _inbox.Wait();
            }

            long begun = Stopwatch.GetTimestamp();
            try
            {
                if (!Collect())
                {
                    return;
                }

                Turn();
            }
            catch (Exception exception)
            {
                // What one part of a turn may fail with is caught there; this is a mistake in the engine, and nobody may wait for ever.
                _windows.FailAll(exception);
                _audio.FailAll(exception);
                _texts.FailAll(exception);
            }

            Publish(Stopwatch.GetElapsedTime(begun));
        }
    }

    /// <summary>Takes what was asked for since the last turn.</summary>
    /// <returns>False if it is time to end.</returns>
    private bool Collect()
    {
        EngineMail mail = _inbox.Take();
        Array.ForEach(mail.Left, _windows.Leave);
        Array.ForEach(mail.Arrived, _windows.Add);
        Array.ForEach(mail.Jobs, Take);
        return !mail.IsClosed || !_windows.IsEmpty;
    }

    private void Take(EngineJob job)
    {
        switch (job)
        {
            case SpectrogramJob spectrogram:
                _audio.Add(spectrogram);
                break;
            case ListenJob listen:
                _windows.Listen(listen, ref _counters);
                break;
            default:
                _texts.Add(job);
                break;
        }
    }

    private void Turn()
    {
        _windows.ForgetCancelled();
        _audio.ForgetCancelled();
        _texts.ForgetCancelled();
        _windows.Admit(ref _counters);
        _audio.Turn(_windows.HasLive, _texts.HasWork, ref _counters);
        _texts.Turn(ref _counters);
    }

    private void Publish(TimeSpan busy)
    {
        _counters.BusySeconds += busy.TotalSeconds;
        _counters.WindowsInUse = _windows.WindowsInUse;
        _counters.LanesInUse = _texts.LanesInUse;
        lock (_publishing)
        {
            _published = _counters;
        }
    }
}
