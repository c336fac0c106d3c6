using System.Text.Json;
using FsCheck.Xunit;
using Handwritten.Model.Synthetic;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.VoiceActivity;
using Xunit;

namespace Handwritten.Runtime.Tests.VoiceActivity;

/// <summary>Regions, windows and times against faster-whisper's, for made-up probabilities and twelve sets of options.</summary>
public class SpeechRulesTests
{
    private static readonly JsonElement Cases = VadReference.Load("rules.json").GetProperty("cases");

    public static TheoryData<int> All => [.. Enumerable.Range(0, Cases.GetArrayLength())];

    public static TheoryData<int> WithSpeechInWindows => [.. Enumerable.Range(0, Cases.GetArrayLength()).Where(i => Cases[i].TryGetProperty("windows", out _))];

    [Theory]
    [MemberData(nameof(All))]
    public void Finds_the_regions_of_the_original(int index) =>
        Assert.Equal(Regions(Cases[index]), Found(Cases[index]));

    [Theory]
    [MemberData(nameof(All))]
    public void Maps_times_back_as_the_original_does(int index)
    {
        SpeechTimeMap map = new(Regions(Cases[index]));
        Assert.All(Cases[index].GetProperty("times").EnumerateArray(), example =>
        {
            double time = example.GetProperty("time").GetDouble();
            Assert.Equal(example.GetProperty("start").GetDouble(), map.ToRecording(time));
            Assert.Equal(example.GetProperty("end").GetDouble(), map.ToRecording(time, isEnd: true));
        });
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Maps_words_back_as_the_original_does(int index)
    {
        JsonElement words = Cases[index].GetProperty("words");
        Segment segment = new(3, 0, 1, 2, " a b c", [], 0, 0, 1, 0,
            [.. words.GetProperty("in").EnumerateArray().Select(word => new Word(" a", word[0].GetDouble(), word[1].GetDouble(), 0.5))]);
        Segment mapped = new SpeechTimeMap(Regions(Cases[index])).ToRecording(segment);
        Assert.Equal(words.GetProperty("out").EnumerateArray().Select(word => (word[0].GetDouble(), word[1].GetDouble())), mapped.Words!.Select(word => (word.Start, word.End)));
        Assert.Equal((words.GetProperty("start").GetDouble(), words.GetProperty("end").GetDouble()), (mapped.Start, mapped.End));
        Assert.Equal((segment.Id, segment.Text), (mapped.Id, mapped.Text));
    }

    [Theory]
    [MemberData(nameof(WithSpeechInWindows))]
    public void Collects_the_windows_of_the_original(int index)
    {
        float[] recording = [.. Enumerable.Range(0, Cases[index].GetProperty("samples").GetInt32()).Select(i => (float)i)];
        Assert.Equal(
            Cases[index].GetProperty("windows").EnumerateArray().Select(window => (window[0].GetSingle(), window[1].GetSingle(), window[2].GetInt32())),
            SpeechWindows.Collect(Regions(Cases[index])).Select(window => window.Cut(recording)).Select(samples => (samples[0], samples[^1], samples.Length)));
    }

    [Fact]
    public void A_segment_without_words_ends_in_the_region_before_the_silence()
    {
        SpeechTimeMap map = new([new(16000, 32000), new(160000, 176000)]);
        Segment segment = new(0, 0, 0, 1, " a", [], 0, 0, 1, 0);
        Assert.Equal((1.0, 2.0), (map.ToRecording(segment).Start, map.ToRecording(segment).End));
        Assert.Equal(10.0, map.ToRecording(1.0));
    }

    // Expected: Python's round(0.0 + time, 2).
    [Theory]
    [InlineData(0.125, 0.12)]
    [InlineData(0.375, 0.38)]
    [InlineData(0.145, 0.14)]
    [InlineData(2.675, 2.67)]
    [InlineData(1.005, 1.0)]
    [InlineData(0.285, 0.28)]
    public void Rounds_times_as_Python_does(double time, double rounded) =>
        Assert.Equal(rounded, new SpeechTimeMap([new(0, 160000)]).ToRecording(time));

    [Property(MaxTest = 300)]
    public void Regions_are_in_order_and_within_the_recording(ushort seed, ushort length, byte threshold, ushort minSilence, ushort padding, byte maxSpeech)
    {
        float[] probabilities = new float[(length / 512) + 1];
        DeterministicValues.Fill(probabilities, $"regions {seed}", scale: 0.5f, offset: 0.5f);
        VoiceActivityOptions options = new()
        {
            Threshold = threshold / 255.0,
            MinSilenceMilliseconds = minSilence,
            PaddingMilliseconds = padding,
            MaxSpeechSeconds = (1 + maxSpeech) / 16.0,
        };
        int end = 0;
        Assert.All(SpeechRegions.Find(probabilities, length, options), region =>
        {
            Assert.InRange(region.Start, end, length - 1);
            Assert.InRange(region.End, region.Start + 1, length);
            end = region.End;
        });
    }

    [Property(MaxTest = 300)]
    public void Windows_hold_every_sample_once_and_none_is_too_long(ushort[] lengths, ushort maximum)
    {
        int max = maximum + 1, at = 0;
        List<SpeechRegion> regions = [.. lengths.Select(length => new SpeechRegion(at += 7, at += 1 + length))];
        IReadOnlyList<SpeechWindow> windows = SpeechWindows.Collect(regions, max);
        Assert.All(windows, window => Assert.InRange(window.Length, 1, max));
        Assert.Equal(Samples(regions), Samples(windows.SelectMany(window => window.Regions)));
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        foreach (VoiceActivityOptions options in new VoiceActivityOptions[]
        {
            new() { Threshold = 1.5 }, new() { Threshold = double.NaN }, new() { NegativeThreshold = -0.1 }, new() { MaxSpeechSeconds = 0 },
            new() { MaxSpeechSeconds = double.NaN }, new() { Threshold = 0.4, NegativeThreshold = 0.5 }, new() { MinSpeechMilliseconds = -1 }, new() { MinSilenceMilliseconds = -1 }, new() { PaddingMilliseconds = -1 },
        })
        {
            Assert.Throws<OptionsException>(() => SpeechRegions.Find([0.5f], 100, options));
        }
    }

    private static SpeechRegion[] Regions(JsonElement example) =>
        [.. example.GetProperty("speech_timestamps").EnumerateArray().Select(region => new SpeechRegion(region[0].GetInt32(), region[1].GetInt32()))];

    private static IReadOnlyList<SpeechRegion> Found(JsonElement example)
    {
        int samples = example.GetProperty("samples").GetInt32();
        string name = example.GetProperty("name").GetString()!;
        float[] fine = new float[(samples / 512) + 1], coarse = new float[fine.Length];
        DeterministicValues.Fill(coarse, name);
        DeterministicValues.Fill(fine, name + ".fine");
        float[] probabilities = [.. fine.Select((value, i) => (float)(0.5 + ((coarse[i / 11] + (0.5 * value)) / 3)))];
        return SpeechRegions.Find(probabilities, samples, VadReference.Options(example.GetProperty("options")));
    }

    private static IEnumerable<int> Samples(IEnumerable<SpeechRegion> regions) =>
        regions.SelectMany(region => Enumerable.Range(region.Start, region.Length));
}
