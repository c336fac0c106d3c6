using Handwritten.Model;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Transcription;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>Whose window the encoder takes next.</summary>
public sealed class ListeningWindowsTests(DemoModel demo) : IClassFixture<DemoModel>
{
    [Fact]
    public void Who_holds_a_window_is_encoded_in_the_end_however_many_are_more_urgent()
    {
        using ListeningWindows audio = new(demo.Model, new EngineOptions { Windows = 2, Lanes = 1 });
        EngineCounters counters = default;
        RecordingRun bulk = Ask(RequestPriority.Bulk, window: 0);
        int turns = 0;
        for (; bulk.Heard is null && turns < 20; turns++)
        {
            Ask(RequestPriority.Interactive, window: 1);
            Ask(RequestPriority.Interactive, window: 1);
            audio.Turn(liveIsUnderWay: false, textsGoOn: false, ref counters);
        }

        Assert.InRange(turns, 2, 8);
        audio.FailAll(new OperationCanceledException());

        RecordingRun Ask(RequestPriority priority, int window)
        {
            EngineRequest request = new(Clips.Samples("02-en.wav"), new TranscriptionOptions()) { Priority = priority, Client = $"{priority}" };
            ServedTranscription served = new(request, (_, _) => { }, CancellationToken.None);
            RecordingRun run = new(null!, served, () => request.Samples, request.Duration, request.Options, null!)
            {
                Window = window,
                Mel = demo.Model.Network.Frontend.Compute(request.Samples.Span, WhisperAudio.WindowSamples),
            };
            audio.Add(new ListenJob(run, 0, WhisperAudio.WindowFrames));
            return run;
        }
    }
}
